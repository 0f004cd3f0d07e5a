/// An array in NumPy's file format.
///
/// What is written, byte for byte: 93 "NUMPY" 01 00, the length of the header as a little-endian
/// 16-bit number, the header `{'descr': '<f4', 'fortran_order': False, 'shape': (64, 28, 28), }`
/// (`'<f8'` for doubles, `'|u1'` for bytes, `(64,)` for one dimension) with spaces and one line feed up to a multiple of
/// 64 bytes from the start of the file, then the values, last dimension fastest, little-endian.
public struct NPY: Sendable, Equatable {
  /// The values of an array.
  public enum Values: Sendable, Equatable {
    /// Single precision, `<f4`.
    case floats([Float])
    /// Double precision, `<f8`.
    case doubles([Double])
    /// Unsigned bytes, `|u1`.
    case bytes([UInt8])

    /// How many there are.
    public var count: Int {
      switch self {
      case .floats(let values): values.count
      case .doubles(let values): values.count
      case .bytes(let values): values.count
      }
    }
  }

  /// The sizes, first slowest; empty for a single number.
  public let shape: [Int]
  /// As many as the product of `shape`.
  public let values: Values

  /// An array; throws `DataError` when the shape and the number of values disagree.
  public init(shape: [Int], values: Values) throws {
    guard shape.allSatisfy({ $0 >= 0 }), product(shape) == values.count else {
      throw DataError("NPY: shape (\(times(shape))) for \(values.count) values")
    }
    self.shape = shape
    self.values = values
  }

  /// Writes the file, which appears whole or not at all; throws `DataError` when it cannot.
  public func write(_ path: String) throws {
    try Files.write(encoded(), to: path)
  }

  /// The bytes of the file.
  public func encoded() -> [UInt8] {
    let (descriptor, width) =
      switch values {
      case .floats: ("<f4", 4)
      case .doubles: ("<f8", 8)
      case .bytes: ("|u1", 1)
      }
    let sizes = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    var header = "{'descr': '\(descriptor)', 'fortran_order': False, 'shape': (\(sizes)), }"
    let unpadded = 10 + header.utf8.count + 1
    header += String(repeating: " ", count: (64 - unpadded % 64) % 64) + "\n"
    var file: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
    file.append(UInt8(truncatingIfNeeded: header.utf8.count))
    file.append(UInt8(truncatingIfNeeded: header.utf8.count >> 8))
    file.append(contentsOf: header.utf8)
    file.reserveCapacity(file.count + width * values.count)
    switch values {
    case .bytes(let bytes):
      file.append(contentsOf: bytes)
    case .floats(let floats):
      for value in floats { append(value.bitPattern, to: &file) }
    case .doubles(let doubles):
      for value in doubles { append(value.bitPattern, to: &file) }
    }
    return file
  }

  /// Appends a number, lowest byte first.
  private func append(_ bits: some FixedWidthInteger, to file: inout [UInt8]) {
    for shift in stride(from: 0, to: bits.bitWidth, by: 8) {
      file.append(UInt8(truncatingIfNeeded: bits >> shift))
    }
  }

  /// The array in a file of `<f4`, `<f8` or `|u1`, C order, format version 1.0 or 2.0.
  ///
  /// Throws `DataError` for a file that is unreadable, larger than `maximumBytes`, of another type
  /// or order, or of another size than its header promises.
  public static func read(_ path: String, maximumBytes: Int = 1 << 30) throws -> NPY {
    try NPY(decoding: Files.read(path, maximumBytes: maximumBytes), name: path)
  }

  /// The array in the bytes of a whole file; errors start with `name` and are those of `read`.
  public init(decoding file: [UInt8], name: String) throws {
    guard file.count >= 10, file[0] == 0x93, Array(file[1..<6]) == Array("NUMPY".utf8) else {
      throw DataError("\(name): not an NPY file, expected it to start with 93 \"NUMPY\"")
    }
    guard file[6] == 1 || file[6] == 2, file[7] == 0 else {
      throw DataError("\(name): NPY version \(file[6]).\(file[7]), expected 1.0 or 2.0")
    }
    let start = file[6] == 1 ? 10 : 12
    guard file.count >= start else { throw DataError("\(name): the NPY header is cut short") }
    let length = file[8..<start].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= Self.longestHeader else {
      throw DataError(
        "\(name): an NPY header of \(length) bytes, expected at most \(Self.longestHeader)")
    }
    guard length <= file.count - start else {
      throw DataError("\(name): the NPY header is cut short")
    }
    let header = try Header(String(decoding: file[start..<start + length], as: UTF8.self), name)
    let widths = ["<f4": 4, "<f8": 8, "|u1": 1]
    guard let width = widths[header.descriptor] else {
      throw DataError(
        "\(name): values of type \(quoted(header.descriptor)), expected \(Self.types)")
    }
    guard !header.fortranOrder else {
      throw DataError(
        "\(name): Fortran order, expected C order (save numpy.ascontiguousarray of it)")
    }
    let body = file[(start + length)...]
    guard product(header.shape + [width]) == body.count else {
      let promised = "shape (\(times(header.shape))) of \(width)-byte values"
      throw DataError(
        "\(name): the header promises \(promised), the file holds \(body.count) bytes")
    }
    shape = header.shape
    values = body.withUnsafeBytes { bytes in
      switch width {
      case 1:
        .bytes(Array(bytes))
      case 4:
        .floats(
          (0..<bytes.count / 4).map {
            let bits = bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)
            return Float(bitPattern: UInt32(littleEndian: bits))
          })
      default:
        .doubles(
          (0..<bytes.count / 8).map {
            let bits = bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self)
            return Double(bitPattern: UInt64(littleEndian: bits))
          })
      }
    }
  }

  private static let types = "'<f4' (float32), '<f8' (float64) or '|u1' (uint8)"

  /// In bytes; that of any array is a few hundred, and searching a longer one would take a while.
  private static let longestHeader = 65_536

  /// The three entries of a header, which is a Python dictionary in any order and spacing.
  private struct Header {
    var descriptor: String
    var fortranOrder: Bool
    var shape: [Int]

    init(_ text: String, _ name: String) throws {
      let unreadable = DataError("\(name): the NPY header cannot be read")
      func value(_ key: String) throws -> Substring {
        guard let found = text.firstRange(of: "'\(key)':") else { throw unreadable }
        return text[found.upperBound...].drop { $0 == " " }
      }
      let type = try value("descr")
      guard type.first == "'", let end = type.dropFirst().firstIndex(of: "'") else {
        throw DataError(
          "\(name): values of a structured type, expected \(NPY.types)")
      }
      descriptor = String(type[type.index(after: type.startIndex)..<end])
      let order = try value("fortran_order")
      guard order.hasPrefix("True") || order.hasPrefix("False") else { throw unreadable }
      fortranOrder = order.hasPrefix("True")
      let list = try value("shape")
      guard list.first == "(", let close = list.firstIndex(of: ")") else { throw unreadable }
      shape = try list[..<close].dropFirst().split(separator: ",").compactMap { item in
        let digits = item.filter { $0 != " " }
        if digits.isEmpty { return nil }
        guard let size = Int(digits), size >= 0 else { throw unreadable }
        return size
      }
    }
  }
}
