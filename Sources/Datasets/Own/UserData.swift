import Formats
import Support

/// A user's own images or points.
public enum UserData: Sendable, Equatable {
  /// From a folder of PNGs, an IDX file or an array of NumPy.
  case images(UserImages)
  /// From an array of NumPy or a table of text.
  case points(UserPoints)

  /// A picture of a folder: 8-bit grey or RGB, row by row from the top.
  public struct Picture: Sendable {
    /// Columns.
    public var width: Int
    /// Rows.
    public var height: Int
    /// 1 for grey, 3 for red, green and blue.
    public var channels: Int
    /// [height, width, channels], last fastest.
    public var pixels: [UInt8]
    /// Whether the picture is grey only because its colours happen to be: it may stand among pictures of
    /// either kind.
    public var isEither: Bool
    /// What was done to make it so, such as "transparent pixels over black": one phrase for each change
    /// that loses something.
    public var changes: [String]

    /// A picture of [height, width, channels] bytes.
    public init(
      width: Int, height: Int, channels: Int, pixels: [UInt8], isEither: Bool = false,
      changes: [String] = []
    ) {
      (self.width, self.height, self.channels) = (width, height, channels)
      (self.pixels, self.isEither, self.changes) = (pixels, isEither, changes)
    }
  }

  /// What makes a picture of the bytes of a PNG.
  ///
  /// A closure, so that this module needs no library for pictures.  The file's name is for errors;
  /// an error that does not start with it gets it in front.
  public typealias PictureDecoder = (_ bytes: [UInt8], _ name: String) throws -> Picture

  /// The most bytes, 2 GiB, that a file may have before and after decompression and that the pixels
  /// or the points (16 bytes each) may take in memory.
  public static let maximumBytes = 2 << 30

  /// The data at a path, which says by itself what it is.
  ///
  /// - A folder of PNGs of one size, all grey or all RGB; or a folder of folders of PNGs, where the
  ///   folders are the classes, in natural order (2 before 10).  Files are sorted by the bytes of their
  ///   names; hidden ones and what desktops leave behind are passed over.
  /// - An IDX file of images.  Labels are read from "x,y", where y is an IDX file of labels, or from
  ///   the file beside it: "train-labels-idx1-ubyte" for "train-images-idx3-ubyte", with any beginning,
  ///   ".gz" or not.
  /// - An array of NumPy: images of shape [n, height, width] or [n, height, width, 1 or 3] as uint8 or
  ///   bool, or as other numbers in [0, 1], [-1, 1] or [0, 255], whichever is nearest, rounded to the
  ///   nearest of 256 levels; points of shape [n, 2].
  /// - An archive of arrays, "data.npz": its one array, or the one that is named in
  ///   "data.npz:images".  An array of whole numbers beside images is read as their classes where its
  ///   name says so: "y_train" for "x_train", or "labels".
  /// - A table of points as text whose name ends with ".csv", ".tsv" or ".txt": two
  ///   columns of numbers between tabs, semicolons, commas or spaces, with a decimal point; the first
  ///   line may be titles.
  ///
  /// Files other than PNGs may be compressed with gzip.  What an IDX file, an array or an archive is
  /// follows from its first bytes, not from its name.
  ///
  /// Throws `FigmentError`, with one line that names the file (and the line in a table), the value
  /// found and what was expected, for anything else; for a path where nothing is, the line lists the
  /// known sets.
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

  /// The archive and the array of a path such as "data.npz:images", where there is such an archive.
  private static func archived(_ path: String) -> (archive: String, array: String)? {
    for colon in path.indices.reversed() where path[colon] == ":" {
      let archive = String(path[..<colon])
      if archive.lowercased().hasSuffix(".npz"), FileSystem.kind(of: archive) != .nothing {
        return (archive, String(path[path.index(after: colon)...]))
      }
    }
    return nil
  }

  /// What the user should know of how the data were read.
  public var notes: [DataNote] {
    switch self {
    case .images(let images): images.notes
    case .points(let points): points.notes
    }
  }

  /// How many images or points there are.
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

  /// The rows of a part, by the rule of `Split.rows(of:)`.
  public func rows(_ split: Split) -> [Int] {
    split.rows(of: count)
  }

  /// What the data is, in a line: "120 images of 32 x 32, RGB, in 2 classes".
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
