import Foundation

extension UserImages {
  /// The images of a pair of IDX files.
  init(idx path: String, labels: String, maximumBytes: Int) throws {
    let images = try IDX.read(path, rank: 3, maximumBytes: maximumBytes)
    try self.init(idx: images, path, labels: labels, maximumBytes: maximumBytes)
  }

  /// Images from the IDX file at `path`, with the labels of the file at `labels` or beside it.
  init(idx images: IDX, _ path: String, labels: String? = nil, maximumBytes: Int) throws {
    let labels = try (labels ?? Self.labelsBeside(path)).map { labels in
      try LabelledImages(
        images: images, labels: IDX.read(labels, rank: 1, maximumBytes: maximumBytes),
        names: (path, labels)
      ).labels
    }
    self.init(
      height: images.shape[1], width: images.shape[2], channels: 1, pixels: images.bytes,
      labels: labels)
  }

  /// The file that holds the labels of an IDX file of images, by the names that those of MNIST have.
  private static func labelsBeside(_ path: String) -> String? {
    let (folder, name) = Files.split(path)
    let plain = name.hasSuffix(".gz") ? String(name.dropLast(3)) : name
    for (images, labels) in [("images-idx3", "labels-idx1"), ("images.idx3", "labels.idx1")]
    where plain.contains(images) {
      let other = "\(folder)/\(plain.replacing(images, with: labels))"
      return [other, other + ".gz"].first(where: Files.exists)
    }
    return nil
  }

  /// The PNGs of a folder, or of its folders, which are the classes then.
  init(folder: String, maximumBytes: Int, decode: UserData.PictureDecoder) throws {
    let (files, folders) = try Self.content(folder)
    if let file = files.first, let inner = folders.first {
      throw DataError(
        "\(folder): holds the file \(file) and the folder \(inner), expected only PNGs or only one "
          + "folder of PNGs for each class")
    }
    guard folders.count <= 256 else {
      throw DataError("\(folder): \(folders.count) folders, expected at most 256 classes")
    }
    var (paths, labels): ([String], [UInt8]) = (files.map { "\(folder)/\($0)" }, [])
    for (label, inner) in folders.enumerated() {
      let place = "\(folder)/\(inner)"
      let (files, folders) = try Self.content(place)
      if let deeper = folders.first {
        throw DataError("\(place)/\(deeper): a folder in the folder of a class, expected PNGs")
      }
      guard !files.isEmpty else { throw DataError("\(place): empty, expected PNGs") }
      paths += files.map { "\(place)/\($0)" }
      labels += files.map { _ in UInt8(label) }
    }
    guard let first = paths.first else {
      throw DataError(
        "\(folder): empty, expected PNGs or a folder of PNGs for each class")
    }
    if let other = paths.first(where: { !$0.lowercased().hasSuffix(".png") }) {
      throw DataError("\(other): not named .png, expected only PNGs in a folder of images")
    }

    func picture(_ path: String) throws -> (kind: Kind, pixels: [UInt8]) {
      let bytes = try Files.read(path, maximumBytes: maximumBytes)
      do {
        let picture = try decode(bytes, path)
        let kind = Kind(picture.width, picture.height, picture.channels)
        guard kind.isPossible, kind.size == picture.pixels.count else {
          throw DataError("\(picture.pixels.count) bytes of pixels for \(kind)")
        }
        return (kind, picture.pixels)
      } catch {
        let line = "\(error)"
        throw DataError(line.hasPrefix(path) ? line : "\(path): \(line)")
      }
    }
    var (kind, pixels) = try picture(first)
    let (total, overflow) = kind.size.multipliedReportingOverflow(by: paths.count)
    guard !overflow, total <= maximumBytes else {
      throw DataError(
        "\(folder): \(counted(paths.count, "picture")) of \(kind), expected at most \(maximumBytes) bytes of "
          + "pixels")
    }
    pixels.reserveCapacity(total)
    for path in paths.dropFirst() {
      let next = try picture(path)
      guard next.kind == kind else {
        throw DataError(
          "\(path): \(next.kind), but \(first) is \(kind); expected one size and all grey or all "
            + "RGB")
      }
      pixels.append(contentsOf: next.pixels)
    }
    self.init(
      height: kind.height, width: kind.width, channels: kind.channels, pixels: pixels,
      labels: folders.isEmpty ? nil : labels, classes: folders)
  }

  /// The names of the files and of the folders in a folder, each sorted, without hidden ones and
  /// what desktops leave.
  private static func content(
    _ folder: String
  ) throws -> (files: [String], folders: [String]) {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: folder)
    } catch {
      throw DataError("\(folder): the folder cannot be read")
    }
    let visible = names.filter {
      !$0.hasPrefix(".") && !["thumbs.db", "desktop.ini"].contains($0.lowercased())
    }.sorted()
    var (files, folders): ([String], [String]) = ([], [])
    for name in visible {
      if Files.isFolder("\(folder)/\(name)") { folders.append(name) } else { files.append(name) }
    }
    return (files, folders)
  }

  /// What all pictures of a set have in common.
  private struct Kind: Equatable, CustomStringConvertible {
    let width: Int
    let height: Int
    let channels: Int

    init(_ width: Int, _ height: Int, _ channels: Int) {
      (self.width, self.height, self.channels) = (width, height, channels)
    }

    var isPossible: Bool { width >= 1 && height >= 1 && (channels == 1 || channels == 3) }
    var size: Int { product([width, height, channels]) ?? .max }
    var description: String {
      let colours = [1: "grey", 3: "RGB"][channels] ?? "with \(channels) channels"
      return "\(width) x \(height) \(colours)"
    }
  }
}
