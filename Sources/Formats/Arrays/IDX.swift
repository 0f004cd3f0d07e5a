import Support

/// An array of bytes from an IDX file, the format of MNIST.
///
/// The file is a big-endian magic number 0x000008RR (08 says unsigned bytes, RR is the rank), the
/// dimensions as big-endian 32-bit numbers, and the bytes with the last dimension fastest.  Rank 1
/// holds labels, rank 3 images.
public struct IDX: Sendable, Equatable {
  /// One dimension for labels; count, height and width for images; each at least 1.
  public let shape: [Int]
  /// As many as the product of `shape`, last dimension fastest.
  public let bytes: [UInt8]

  /// An array of rank 1 or 3; throws `FigmentError` for another rank or a wrong number of bytes.
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

  /// The array in the file at `path`, which may be compressed with gzip whatever its name is.
  ///
  /// Throws `FigmentError` for a file that is unreadable, of another rank than `rank` (either when
  /// nil), of another size than its header promises, or larger than `maximumBytes` before or after
  /// decompression.
  public static func read(
    _ path: String, rank: Int? = nil, maximumBytes: Int = 1 << 30
  ) throws -> IDX {
    try IDX(decoding: plainBytes(path, maximumBytes: maximumBytes), name: path, rank: rank)
  }

  /// The bytes of a file after decompression, where it is compressed.
  public static func plainBytes(_ path: String, maximumBytes: Int) throws -> [UInt8] {
    let bytes = try FileSystem.read(path, limit: maximumBytes)
    return Gzip.isGzip(bytes)
      ? try Gzip.inflate(bytes, name: path, maximumBytes: maximumBytes) : bytes
  }

  /// The array in the bytes of a whole, uncompressed IDX file; errors start with `name`.
  ///
  /// Throws `FigmentError` for another magic number than that of `rank` (either when nil) and for
  /// another size than the header promises, before anything is allocated for what it promises.
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
    // In place: sets of tens of megabytes are not held twice.
    file.removeFirst(header)
    (self.shape, self.bytes) = (shape, file)
  }

  /// The bytes of the uncompressed file.
  public func encoded() -> [UInt8] {
    var file: [UInt8] = [0, 0, 8, UInt8(shape.count)]
    for size in shape {
      for shift in [24, 16, 8, 0] { file.append(UInt8(truncatingIfNeeded: size >> shift)) }
    }
    return file + bytes
  }
}

/// The product of sizes, or nil where it is more than an Int holds.
public func product(_ sizes: [Int]) -> Int? {
  var result = 1
  for size in sizes {
    let (value, overflow) = result.multipliedReportingOverflow(by: size)
    if overflow { return nil }
    result = value
  }
  return result
}

/// Sizes as people write them: "60000 x 28 x 28".
public func times(_ sizes: [Int]) -> String {
  sizes.map(String.init).joined(separator: " x ")
}
