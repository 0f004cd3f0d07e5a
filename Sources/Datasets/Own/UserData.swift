/// A user's own images or points.
public enum UserData: Sendable, Equatable {
  /// From a folder of PNGs, an IDX file or an array of NumPy.
  case images(UserImages)
  /// From an array of NumPy or a table of text.
  case points(UserPoints)

  /// What makes 8-bit grey or RGB pixels of the bytes of a PNG, row by row from the top.
  ///
  /// A closure, so that this module needs no library for pictures.  The file's name is for errors;
  /// an error that does not start with it gets it in front.
  public typealias PictureDecoder = (_ bytes: [UInt8], _ name: String) throws -> (
    width: Int, height: Int, channels: Int, pixels: [UInt8]
  )

  /// The most bytes, 2 GiB, that a file may have before and after decompression and that the pixels
  /// or the points (16 bytes each) may take in memory.
  public static let maximumBytes = 2 << 30

  /// The data at a path, which says by itself what it is.
  ///
  /// - A folder of PNGs of one size, all grey or all RGB; or a folder of folders of PNGs, where the
  ///   folders, sorted by name, are the classes.  Files are sorted by name; hidden ones are skipped.
  /// - An IDX file of images.  Labels are read from "x,y", where y is an IDX file of labels, or from
  ///   the file beside it: "train-labels-idx1-ubyte" for "train-images-idx3-ubyte", with any beginning,
  ///   ".gz" or not.
  /// - An array of NumPy: images of shape [n, height, width] or [n, height, width, 1 or 3] as uint8,
  ///   or as float32 or float64 in [0, 1] or, where any value is negative, in [-1, 1], rounded to
  ///   the nearest of 256 levels; points of shape [n, 2] as float32 or float64.
  /// - A table of points as text whose name ends with ".csv", ".tsv" or ".txt": two
  ///   columns of numbers between tabs, semicolons or commas, with a decimal point; the first line
  ///   may be titles.
  ///
  /// Files other than PNGs may be compressed with gzip.  What an IDX file or an array is follows
  /// from its first bytes, not from its name.
  ///
  /// Throws `DataError`, with one line that names the file (and the line in a table), the value
  /// found and what was expected, for anything else; for a path where nothing is, the line lists the
  /// known sets.
  public static func load(
    _ path: String, maximumBytes: Int = UserData.maximumBytes, decode: PictureDecoder
  ) throws -> UserData {
    if Files.isFolder(path) {
      let plain = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
      return .images(try UserImages(folder: plain, maximumBytes: maximumBytes, decode: decode))
    }
    if Files.exists(path) { return try UserData(file: path, maximumBytes: maximumBytes) }
    guard let comma = path.lastIndex(of: ",") else { throw KnownSets.unknown(path) }
    let (images, labels) = (path[..<comma], path[path.index(after: comma)...])
    return .images(
      try UserImages(
        idx: String(images), labels: String(labels.drop { $0 == " " }), maximumBytes: maximumBytes)
    )
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

  private init(file path: String, maximumBytes: Int) throws {
    let bytes = try IDX.plainBytes(path, maximumBytes: maximumBytes)
    var name = Files.split(path).name.lowercased()
    if name.hasSuffix(".gz") { name.removeLast(3) }
    func named(_ endings: String...) -> Bool { endings.contains(where: name.hasSuffix) }

    if bytes.starts(with: [0x93] + Array("NUMPY".utf8)) || named(".npy") {
      let array = try NPY(decoding: bytes, name: path)
      self = try UserData(array: array, name: path, maximumBytes: maximumBytes)
    } else if bytes.starts(with: [0, 0]) || named("ubyte", ".idx") {
      let images = try IDX(decoding: bytes, name: path, rank: 3)
      self = .images(try UserImages(idx: images, path, maximumBytes: maximumBytes))
    } else if named(".csv", ".tsv", ".txt") {
      let values = try CSV.points(bytes, name: path, maximumPoints: maximumBytes / 16)
      self = .points(try UserPoints(values, name: path))
    } else {
      let start = bytes.prefix(4).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
      let found =
        if bytes.starts(with: [0x89] + Array("PNG".utf8)) {
          "a single PNG"
        } else if named(".npz") {
          "an archive of arrays (save one with numpy.save)"
        } else if bytes.isEmpty {
          "an empty file"
        } else {
          "a file that starts with \(start.joined(separator: " "))"
        }
      throw DataError(
        "\(path): \(found), expected a folder of PNGs, IDX images, a .npy array, or a .csv, .tsv or "
          + ".txt table")
    }
  }

  private init(array: NPY, name: String, maximumBytes: Int) throws {
    let shape = array.shape
    let isBytes = if case .bytes = array.values { true } else { false }
    if shape.count == 2, shape[1] == 2, !isBytes {
      guard shape[0] <= maximumBytes / 16 else {
        throw DataError("\(name): \(shape[0]) points, expected at most \(maximumBytes / 16)")
      }
      let values: [Double] =
        switch array.values {
        case .floats(let floats): floats.map(Double.init)
        case .doubles(let doubles): doubles
        case .bytes: []
        }
      self = .points(try UserPoints(values, name: name))
      return
    }
    let channels = shape.count == 4 ? shape[3] : 1
    guard shape.count == 3 || shape.count == 4, channels == 1 || channels == 3 else {
      let first = shape.count == 4 && (shape[1] == 1 || shape[1] == 3)
      throw DataError(
        "\(name): \(array.values.typeName) of shape (\(times(shape))), expected images "
          + "[n, height, width] or [n, height, width, 1 or 3]"
          + (first ? " (numpy.moveaxis(images, 1, 3) makes them of these)" : "")
          + ", or float points [n, 2]")
    }
    guard array.values.count > 0 else {
      throw DataError("\(name): shape (\(times(shape))) holds no pixels")
    }
    let pixels: [UInt8] =
      switch array.values {
      case .bytes(let bytes): bytes
      case .floats(let floats): try Self.quantised(floats, shape, name)
      case .doubles(let doubles): try Self.quantised(doubles, shape, name)
      }
    self = .images(
      UserImages(height: shape[1], width: shape[2], channels: channels, pixels: pixels))
  }

  /// Bytes for values in [0, 1], or in [-1, 1] where any is negative.
  private static func quantised(
    _ values: [some BinaryFloatingPoint], _ shape: [Int], _ name: String
  ) throws -> [UInt8] {
    if let index = values.firstIndex(where: { !$0.isFinite }) {
      var (rest, place) = (index, [Int]())
      for size in shape.reversed() {
        place.insert(rest % size, at: 0)
        rest /= size
      }
      throw DataError("\(name): value \(place) is \(values[index]), expected a finite number")
    }
    let (lower, upper) = (values.min() ?? 0, values.max() ?? 0)
    guard lower >= -1, upper <= 1 else {
      throw DataError(
        "\(name): images as fractions from \(lower) to \(upper), expected [0, 1] or [-1, 1]; "
          + "save numpy.uint8 for 0 to 255")
    }
    return lower < 0
      ? values.map { UInt8((127.5 * ($0 + 1)).rounded()) }
      : values.map { UInt8((255 * $0).rounded()) }
  }
}

extension NPY.Values {
  /// How NumPy calls the type of the values.
  fileprivate var typeName: String {
    switch self {
    case .floats: "float32"
    case .doubles: "float64"
    case .bytes: "uint8"
    }
  }
}
