import Formats
import Support

extension UserImages {
  /// Reads the images of a pair of IDX files.
  init(idx path: String, labels: String, maximumBytes: Int) throws {
    let images = try IDX.read(path, rank: 3, maximumBytes: maximumBytes)
    try self.init(idx: images, path, labels: labels, maximumBytes: maximumBytes)
  }

  /// Creates images from the IDX file at `path`, with labels from the file at `labels` or from the
  /// matching file in the same folder.
  init(idx images: IDX, _ path: String, labels: String? = nil, maximumBytes: Int) throws {
    let labels = try (labels ?? Self.labelFile(path)).map { labels in
      try LabelledImages(
        images: images, labels: IDX.read(labels, rank: 1, maximumBytes: maximumBytes),
        names: (path, labels)
      ).labels
    }
    self.init(
      height: images.shape[1], width: images.shape[2], channels: 1, pixels: images.bytes,
      labels: labels)
  }

  /// The label file that belongs to an IDX file of images by MNIST's naming scheme.
  private static func labelFile(_ path: String) -> String? {
    let (folder, name) = (FileSystem.folder(of: path), FileSystem.name(of: path))
    let plain = name.hasSuffix(".gz") ? String(name.dropLast(3)) : name
    for (images, labels) in [("images-idx3", "labels-idx1"), ("images.idx3", "labels.idx1")]
    where plain.contains(images) {
      let other = "\(folder)/\(plain.replacing(images, with: labels))"
      return [other, other + ".gz"].first { FileSystem.kind(of: $0) != .nothing }
    }
    return nil
  }

  /// Reads the PNGs of a folder, or of its subfolders, each of which is a class.
  init(folder: String, maximumBytes: Int, decode: UserData.PictureDecoder) throws {
    let files = try PictureFiles(folder)
    let pictures = try Pictures(
      files.paths, folder: folder, maximumBytes: maximumBytes, decode: decode)
    self.init(
      height: pictures.height, width: pictures.width, channels: pictures.channels,
      pixels: pictures.pixels, labels: files.classes.isEmpty ? nil : files.labels,
      classes: files.classes, notes: pictures.notes)
  }
}

/// The image files of a folder.
private struct PictureFiles {
  private(set) var paths: [Path] = []
  /// The class of each file; empty without classes.
  private(set) var labels: [UInt8] = []
  /// The names of the subfolders in natural order.
  private(set) var classes: [String] = []

  /// Throws `FigmentError` for an empty folder, files next to folders, nested subfolders, and files
  /// whose names are not those of PNGs.
  init(_ folder: String) throws {
    let root = Path(folder)
    let (files, folders) = try Self.content(root)
    if let file = files.first, let inner = folders.first {
      throw FigmentError(
        "\(folder): holds the file \(shown(name: file)) and the folder \(shown(name: inner)), expected "
          + "only PNGs or only one folder of PNGs for each class")
    }
    guard folders.count <= 256 else {
      throw FigmentError("\(folder): \(folders.count) folders, expected at most 256 classes")
    }
    paths = files.map { Path(root, $0) }
    let ordered = folders.sorted(by: naturallyPrecedes)
    for (label, inner) in ordered.enumerated() {
      let place = Path(root, inner)
      let (files, folders) = try Self.content(place)
      if let deeper = folders.first {
        throw FigmentError(
          "\(Path(place, deeper)): a folder in the folder of a class, expected PNGs")
      }
      guard !files.isEmpty else { throw FigmentError("\(place): empty, expected PNGs") }
      paths += files.map { Path(place, $0) }
      labels += files.map { _ in UInt8(label) }
    }
    classes = ordered.map { shown(name: $0) }
    guard !paths.isEmpty else {
      throw FigmentError("\(folder): empty, expected PNGs or a folder of PNGs for each class")
    }
    let others = paths.filter { !$0.description.lowercased().hasSuffix(".png") }
    guard others.isEmpty else {
      throw refusal(
        of: others.map { ("\($0)", "not named .png, expected only PNGs in a folder of images") },
        among: paths.count, in: folder)
    }
  }

  /// The names of the files and of the folders in a folder, each in byte order, without
  /// hidden files and those that desktops leave behind.
  private static func content(_ folder: Path) throws -> (files: [[UInt8]], folders: [[UInt8]]) {
    var (files, folders): ([[UInt8]], [[UInt8]]) = ([], [])
    for name in try FileSystem.names(in: folder) where !isLitter(shown(name: name)) {
      if FileSystem.kind(of: Path(folder, name)) == .folder {
        folders.append(name)
      } else {
        files.append(name)
      }
    }
    return (files, folders)
  }
}

/// The pixels of image files of equal size, all grey or all RGB.
private struct Pictures {
  private(set) var height = 0
  private(set) var width = 0
  private(set) var channels = 0
  private(set) var pixels: [UInt8] = []
  private(set) var notes: [DataNote] = []

  /// Throws `FigmentError` naming the unreadable files, at most ten of them; otherwise those
  /// that differ in kind from the majority.
  init(
    _ paths: [Path], folder: String, maximumBytes: Int, decode: UserData.PictureDecoder
  ) throws {
    var bad: [(path: String, problem: String)] = []
    var kinds: [(path: String, kind: Kind)] = []
    var kind: Kind?
    var changes: [(text: String, path: String, count: Int)] = []
    for path in paths {
      // The form of the path in error messages.
      let name = escaped(path.description)
      let picture: UserData.Picture
      do {
        picture = try Self.picture(path, maximumBytes: maximumBytes, decode: decode)
      } catch {
        let problem = (error as? FigmentError)?.problem ?? "\(error)"
        bad.append(
          (
            name,
            problem.hasPrefix(name + ": ") ? String(problem.dropFirst(name.count + 2)) : problem
          ))
        continue
      }
      for change in picture.changes {
        if let known = changes.firstIndex(where: { $0.text == change }) {
          changes[known].count += 1
        } else {
          changes.append((change, name, 1))
        }
      }
      let next = Kind(picture)
      kinds.append((name, next))
      // After the first bad file only errors matter.
      guard bad.isEmpty else { continue }
      guard let before = kind else {
        try next.check(paths.count, folder: folder, maximumBytes: maximumBytes)
        kind = next
        pixels.reserveCapacity(next.size * paths.count)
        pixels += picture.pixels
        continue
      }
      guard before.fits(next) else { continue }
      if before.channels == 1, next.channels == 3 {
        // All images before were grey only by their palette; from here on, the set is RGB.
        try next.check(paths.count, folder: folder, maximumBytes: maximumBytes)
        pixels = Self.coloured(pixels)
      }
      pixels +=
        before.channels == 3 && next.channels == 1 ? Self.coloured(picture.pixels) : picture.pixels
      if before.isEither { kind = next }
    }
    guard bad.isEmpty else { throw refusal(of: bad, among: paths.count, in: folder) }
    try Self.check(kinds, among: paths.count, in: folder)
    guard let kind else { return }
    (height, width, channels) = (kind.height, kind.width, kind.channels)
    notes = changes.map { text, path, count in
      DataNote(
        count == 1
          ? "\(path): \(text)" : "\(folder): \(count) pictures with \(text), the first is \(path)",
        isWarning: true)
    }
  }

  private static func picture(
    _ path: Path, maximumBytes: Int, decode: UserData.PictureDecoder
  ) throws -> UserData.Picture {
    let picture = try decode(try FileSystem.read(path, limit: maximumBytes), path.description)
    let kind = Kind(picture)
    guard kind.isPossible, kind.size == picture.pixels.count else {
      throw FigmentError("\(picture.pixels.count) bytes of pixels for \(kind)")
    }
    return picture
  }

  /// Converts grey pixels to red, green and blue.
  private static func coloured(_ pixels: [UInt8]) -> [UInt8] {
    pixels.flatMap { [$0, $0, $0] }
  }

  /// Throws unless all images are of one kind; the error names those that differ from the majority.
  private static func check(
    _ kinds: [(path: String, kind: Kind)], among count: Int, in folder: String
  ) throws {
    var groups: [(kind: Kind, count: Int, first: String)] = []
    for (path, kind) in kinds {
      if let known = groups.firstIndex(where: { $0.kind.fits(kind) }) {
        groups[known].count += 1
        // A group of unknown kind becomes that of its first file that is definitely grey or RGB.
        if groups[known].kind.isEither, !kind.isEither {
          (groups[known].kind, groups[known].first) = (kind, path)
        }
      } else {
        groups.append((kind, 1, path))
      }
    }
    guard groups.count > 1, var most = groups.first else { return }
    for group in groups where group.count > most.count { most = group }
    let others = kinds.filter { !$0.kind.fits(most.kind) }
    throw refusal(
      of: others.map { path, kind in
        (
          path,
          "\(kind), but \(most.first) is \(most.kind); expected one size and all grey or all RGB"
        )
      }, among: count, in: folder)
  }

  /// The properties that all images of a set must have in common.
  private struct Kind: Equatable, CustomStringConvertible {
    let width: Int
    let height: Int
    let channels: Int
    let isEither: Bool

    init(_ picture: UserData.Picture) {
      (width, height, channels) = (picture.width, picture.height, picture.channels)
      isEither = picture.isEither && picture.channels == 1
    }

    /// Returns true if images of both kinds may be in one set.
    func fits(_ other: Kind) -> Bool {
      width == other.width && height == other.height
        && (channels == other.channels || isEither || other.isEither)
    }

    /// Throws if `count` images need more than `maximumBytes`.
    func check(_ count: Int, folder: String, maximumBytes: Int) throws {
      let (total, overflow) = size.multipliedReportingOverflow(by: count)
      guard !overflow, total <= maximumBytes else {
        throw FigmentError(
          "\(folder): \(counted(count, "picture")) of \(self), expected at most \(maximumBytes) bytes of "
            + "pixels")
      }
    }

    var isPossible: Bool { width >= 1 && height >= 1 && (channels == 1 || channels == 3) }
    var size: Int { product([width, height, channels]) ?? .max }
    var description: String {
      let colours = [1: "grey", 3: "RGB"][channels] ?? "with \(channels) channels"
      return "\(width) x \(height) \(colours)"
    }
  }
}

/// The error about files of a folder: one line for a single file, otherwise the first ten and the
/// number.
private func refusal(
  of files: [(path: String, problem: String)], among count: Int, in folder: String
) -> FigmentError {
  if files.count == 1 { return FigmentError("\(files[0].path): \(files[0].problem)") }
  let shown = files.prefix(10).map { "\($0.path): \($0.problem)" }.joined(separator: " | ")
  let rest = files.count > 10 ? " | and \(files.count - 10) more" : ""
  return FigmentError("\(folder): \(files.count) of \(count) files cannot be used: \(shown)\(rest)")
}

/// Compares names in natural order, with numbers by value: "2" before "10", "a2" before "a10".
func naturallyPrecedes(_ a: [UInt8], _ b: [UInt8]) -> Bool {
  func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
  var (a, b) = (a[...], b[...])
  let whole = (a, b)
  while let x = a.first, let y = b.first {
    if isDigit(x), isDigit(y) {
      let (first, second) = (a.prefix(while: isDigit), b.prefix(while: isDigit))
      let (p, q) = (first.drop { $0 == 0x30 }, second.drop { $0 == 0x30 })
      if p.count != q.count { return p.count < q.count }
      if !p.elementsEqual(q) { return p.lexicographicallyPrecedes(q) }
      (a, b) = (a[first.endIndex...], b[second.endIndex...])
    } else {
      if x != y { return x < y }
      (a, b) = (a.dropFirst(), b.dropFirst())
    }
  }
  if a.isEmpty != b.isEmpty { return a.isEmpty }
  // "01" and "1" are equal as numbers, but different names.
  return whole.0.lexicographicallyPrecedes(whole.1)
}
