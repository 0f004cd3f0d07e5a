import Support

/// An array of bytes from an IDX file, the format of MNIST.
///
/// The file is a big-endian magic number 0x000008RR (08 means unsigned bytes, RR is the rank), the
/// dimensions as big-endian 32-bit numbers, and the bytes with the last dimension fastest. Rank 1
/// holds labels, rank 3 images.
public struct IDX: Sendable, Equatable {
  /// One dimension for labels; count, height and width for images; each at least 1.
  public let shape: [Int]
  /// The elements, as many as the product of `shape`, last dimension fastest.
  public let bytes: [UInt8]

  /// Creates an array of rank 1 or 3; throws `FigmentError` for another rank or a wrong number of
  /// bytes.
  public init(shape: [Int], bytes: [UInt8]) throws {
    guard shape.count == 1 || shape.count == 3 else {
      throw FigmentError("IDX: rank \(shape.count), expected 1 (labels) or 3 (images)")
    }
    guard shape.allSatisfy({ 1...0xffff_ffff ~= $0 }), product(shape) == bytes.count else {
      throw FigmentError("IDX: shape \(times(shape)) for \(bytes.count) bytes")
    }
    self.shape = shape
    self.bytes = bytes
  }

  /// Reads the array in the file at `path`, compressed with gzip or not, whatever its name is.
  ///
  /// Throws `FigmentError` if the file is unreadable, if its rank is not `rank` (1 or 3 if nil), if
  /// its size differs from the one in its header, or if it is larger than `maximumBytes` before or
  /// after decompression.
  public static func read(
    _ path: String, rank: Int? = nil, maximumBytes: Int = 1 << 30
  ) throws -> IDX {
    try IDX(decoding: plainBytes(path, maximumBytes: maximumBytes), name: path, rank: rank)
  }

  /// Reads the bytes of a file, decompressed if it is compressed with gzip.
  public static func plainBytes(_ path: String, maximumBytes: Int) throws -> [UInt8] {
    let bytes = try FileSystem.read(path, limit: maximumBytes)
    return Gzip.isGzip(bytes)
      ? try Gzip.inflate(bytes, name: path, maximumBytes: maximumBytes) : bytes
  }

  /// Decodes the bytes of a complete, uncompressed IDX file; errors start with `name`.
  ///
  /// Throws `FigmentError` if the magic number is not that of `rank` (1 or 3 if nil), or if the
  /// size differs from the one in the header; checked before memory is allocated for the elements.
  public init(decoding bytes: consuming [UInt8], name: String, rank: Int? = nil) throws {
    var file = bytes
    let start = Array(file.prefix(16))
    func number(_ offset: Int) -> Int {
      start[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
    }
    guard file.count >= 4 else {
      throw FigmentError("\(name): \(file.count) bytes, too few for the header of an IDX file")
    }
    let magic = number(0)
    let (labels, images) = ("0x00000801 (labels)", "0x00000803 (images)")
    let wanted = rank.map { $0 == 1 ? labels : images } ?? "\(labels) or \(images)"
    guard magic == 0x801 || magic == 0x803, rank == nil || rank == magic & 0xff else {
      let digits = String(magic, radix: 16)
      let padded = String(repeating: "0", count: 8 - digits.count) + digits
      throw FigmentError("\(name): magic number 0x\(padded), expected \(wanted)")
    }
    let header = 4 + 4 * (magic & 0xff)
    guard file.count >= header else {
      throw FigmentError("\(name): \(file.count) bytes, too few for the header of an IDX file")
    }
    let shape = (0..<(magic & 0xff)).map { number(4 + 4 * $0) }
    guard !shape.contains(0) else {
      throw FigmentError("\(name): dimensions \(times(shape)), expected at least 1 each")
    }
    guard product(shape) == file.count - header else {
      throw FigmentError(
        "\(name): the header promises \(times(shape)) bytes, the file holds \(file.count - header)")
    }
    // In place, so that data sets of tens of megabytes are not held twice.
    file.removeFirst(header)
    (self.shape, self.bytes) = (shape, file)
  }

  /// Encodes the array as an uncompressed file.
  public func encoded() -> [UInt8] {
    var file: [UInt8] = [0, 0, 8, UInt8(shape.count)]
    for size in shape {
      for shift in [24, 16, 8, 0] { file.append(UInt8(truncatingIfNeeded: size >> shift)) }
    }
    return file + bytes
  }
}

/// The product of sizes, or nil if it overflows an Int.
public func product(_ sizes: [Int]) -> Int? {
  var result = 1
  for size in sizes {
    let (value, overflow) = result.multipliedReportingOverflow(by: size)
    if overflow { return nil }
    result = value
  }
  return result
}

/// Sizes in readable form: "60000 x 28 x 28".
public func times(_ sizes: [Int]) -> String {
  sizes.map(String.init).joined(separator: " x ")
}
