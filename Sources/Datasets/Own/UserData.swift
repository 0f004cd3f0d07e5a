import Formats
import Support

/// A user's own images or points.
public enum UserData: Sendable, Equatable {
  /// Images from a folder of PNGs, an IDX file or a NumPy array.
  case images(UserImages)
  /// Points from a NumPy array or a text table.
  case points(UserPoints)

  /// A decoded image file: 8-bit grey or RGB, row by row from the top.
  public struct Picture: Sendable {
    /// Width in pixels.
    public var width: Int
    /// Height in pixels.
    public var height: Int
    /// Number of channels: 1 for grey, 3 for red, green and blue.
    public var channels: Int
    /// Pixels [height, width, channels], last fastest.
    public var pixels: [UInt8]
    /// True if the image is grey only because all colours of its palette are: it may be combined
    /// with images of either kind.
    public var isEither: Bool
    /// Descriptions of lossy changes made while reading, one phrase each, such as "transparent
    /// pixels over black".
    public var changes: [String]

    /// Creates an image from [height, width, channels] bytes.
    public init(
      width: Int, height: Int, channels: Int, pixels: [UInt8], isEither: Bool = false,
      changes: [String] = []
    ) {
      (self.width, self.height, self.channels) = (width, height, channels)
      (self.pixels, self.isEither, self.changes) = (pixels, isEither, changes)
    }
  }

  /// A decoder of PNG files.
  ///
  /// Supplied by the caller, so that this module needs no image library. The file name is used in
  /// errors; it is prepended to an error that does not start with it.
  public typealias PictureDecoder = (_ bytes: [UInt8], _ name: String) throws -> Picture

  /// The limit, 2 GiB, on the size of a file before and after decompression, and on the memory that
  /// the pixels or the points (16 bytes each) may occupy.
  public static let maximumBytes = 2 << 30

  /// Loads the data at a path, whose format is recognised by content.
  ///
  /// - A folder of PNGs of one size, all grey or all RGB; or a folder of folders of PNGs, where the
  ///   folders are the classes, in natural order (2 before 10). Files are sorted by the bytes of
  ///   their
  ///   names; hidden files and those that desktops leave behind are ignored.
  /// - An IDX file of images. Labels are read from "x,y", where y is an IDX file of labels, or from
  ///   the matching file in the same folder: "train-labels-idx1-ubyte" for
  ///   "train-images-idx3-ubyte", with any prefix, with or without ".gz".
  /// - A NumPy array: images of shape [n, height, width] or [n, height, width, 1 or 3] as uint8 or
  ///   bool, or as other numbers in [0, 1], [-1, 1] or [0, 255], whichever is nearest, rounded to
  ///   the nearest of 256 levels; points of shape [n, 2].
  /// - An archive of arrays, "data.npz": its only array, or the one selected by
  ///   "data.npz:images". An array of whole numbers in the same archive is read as labels if its
  ///   name says so: "y_train" for "x_train", or "labels".
  /// - A text table of points whose name ends with ".csv", ".tsv" or ".txt": two
  ///   columns of numbers separated by tabs, semicolons, commas or spaces, with a decimal point;
  ///   the first line may be a header.
  ///
  /// Files other than PNGs may be compressed with gzip. IDX files, arrays and archives are
  /// recognised by their first bytes, not by their names.
  ///
  /// Throws `FigmentError` for anything else, with one line that names the file (and the line of a
  /// table), the value found and what was expected; if nothing exists at the path, the line lists
  /// the known sets.
  public static func load(
    _ path: String, maximumBytes: Int = UserData.maximumBytes, decode: PictureDecoder
  ) throws -> UserData {
    if FileSystem.kind(of: path) == .folder {
      let plain = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
      return .images(try UserImages(folder: plain, maximumBytes: maximumBytes, decode: decode))
    }
    if FileSystem.kind(of: path) != .nothing {
      return try UserData(file: path, array: nil, maximumBytes: maximumBytes)
    }
    if let (archive, array) = archived(path) {
      return try UserData(file: archive, array: array, maximumBytes: maximumBytes)
    }
    guard let comma = path.lastIndex(of: ",") else { throw KnownSets.unknown(path) }
    let (images, labels) = (path[..<comma], path[path.index(after: comma)...])
    return .images(
      try UserImages(
        idx: String(images), labels: String(labels.drop { $0 == " " }), maximumBytes: maximumBytes)
    )
  }

  /// Splits a path such as "data.npz:images" into archive and array, if there is such an archive.
  private static func archived(_ path: String) -> (archive: String, array: String)? {
    for colon in path.indices.reversed() where path[colon] == ":" {
      let archive = String(path[..<colon])
      if archive.lowercased().hasSuffix(".npz"), FileSystem.kind(of: archive) != .nothing {
        return (archive, String(path[path.index(after: colon)...]))
      }
    }
    return nil
  }

  /// Remarks about how the data were read.
  public var notes: [DataNote] {
    switch self {
    case .images(let images): images.notes
    case .points(let points): points.notes
    }
  }

  /// Number of images or points.
  public var count: Int {
    switch self {
    case .images(let images): images.count
    case .points(let points): points.count
    }
  }

  /// The shape of one example: [height, width, channels] or [2].
  public var shape: [Int] {
    switch self {
    case .images(let images): [images.height, images.width, images.channels]
    case .points: [2]
    }
  }

  /// The rows of a split, by the rule of `Split.rows(of:)`.
  public func rows(_ split: Split) -> [Int] {
    split.rows(of: count)
  }

  /// A one-line description of the data: "120 images of 32 x 32, RGB, in 2 classes".
  public var summary: String {
    switch self {
    case .points(let points):
      return counted(points.count, "point")
    case .images(let images):
      let colours = images.channels == 1 ? "grey" : "RGB"
      let classes = images.classCount == 0 ? "" : ", in \(counted(images.classCount, "class"))"
      return
        "\(counted(images.count, "image")) of \(images.width) x \(images.height), \(colours)\(classes)"
    }
  }

  private init(file path: String, array: String?, maximumBytes: Int) throws {
    let bytes = try IDX.plainBytes(path, maximumBytes: maximumBytes)
    var name = FileSystem.name(of: path).lowercased()
    if name.hasSuffix(".gz") { name.removeLast(3) }
    func named(_ endings: String...) -> Bool { endings.contains(where: name.hasSuffix) }

    if array != nil || NPZ.isArchive(bytes) || named(".npz") {
      let archive = try NPZ(decoding: bytes, path: path, maximumBytes: maximumBytes)
      self = try UserData(archive, array, path: path, maximumBytes: maximumBytes)
    } else if bytes.starts(with: [0x93] + Array("NUMPY".utf8)) || named(".npy") {
      let array = try NPY(decoding: bytes, name: path)
      self = try UserData(array: array, name: path, maximumBytes: maximumBytes)
    } else if bytes.starts(with: [0, 0]) || named("ubyte", ".idx") {
      let images = try IDX(decoding: bytes, name: path, rank: 3)
      self = .images(try UserImages(idx: images, path, maximumBytes: maximumBytes))
    } else if named(".csv", ".tsv", ".txt") {
      let table = try CSV(bytes, name: path, maximumPoints: maximumBytes / 16)
      self = .points(try UserPoints(table.values, name: path, notes: table.notes))
    } else {
      let start = bytes.prefix(4).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
      let found =
        if bytes.starts(with: [0x89] + Array("PNG".utf8)) {
          "a single PNG"
        } else if bytes.isEmpty {
          "an empty file"
        } else {
          "a file that starts with \(start.joined(separator: " "))"
        }
      throw FigmentError(
        "\(path): \(found), expected a folder of PNGs, IDX images, a .npy or .npz array, or a .csv, "
          + ".tsv or .txt table")
    }
  }
}
