import Support

/// An array in NumPy's file format.
///
/// Layout of a written file: 93 "NUMPY" 01 00, the length of the header as a little-endian
/// 16-bit number, the header `{'descr': '<f4', 'fortran_order': False, 'shape': (64, 28, 28), }`
/// (`'<f8'` for doubles, `'|u1'` for bytes, `(64,)` for one dimension) padded with spaces and one
/// line feed to a multiple of 64 bytes from the start of the file, then the values, last dimension
/// fastest, little-endian.
public struct NPY: Sendable, Equatable {
  /// The values of an array, in one of three types.
  ///
  /// Values of other types in a file are converted to the narrowest of these that holds them all;
  /// whole numbers of 64 bits beyond 2^53 are rounded.
  public enum Values: Sendable, Equatable {
    /// Single precision, `<f4`; also half precision and whole numbers of 8 (signed) and 16 bits.
    case floats([Float])
    /// Double precision, `<f8`; also whole numbers of 32 and 64 bits.
    case doubles([Double])
    /// Unsigned bytes, `|u1`; also booleans, as 0 and 1.
    case bytes([UInt8])

    /// Number of values.
    public var count: Int {
      switch self {
      case .floats(let values): values.count
      case .doubles(let values): values.count
      case .bytes(let values): values.count
      }
    }
  }

  /// The extent of each dimension, slowest first; empty for a scalar.
  public let shape: [Int]
  /// The values, as many as the product of `shape`.
  public let values: Values
  /// NumPy's name of the values' type in the file: "float32", "int64".
  public let typeName: String

  /// Creates an array; throws `FigmentError` if the shape and the number of values disagree.
  public init(shape: [Int], values: Values) throws {
    guard shape.allSatisfy({ $0 >= 0 }), product(shape) == values.count else {
      throw FigmentError("NPY: shape (\(times(shape))) for \(values.count) values")
    }
    self.shape = shape
    self.values = values
    typeName =
      switch values {
      case .floats: "float32"
      case .doubles: "float64"
      case .bytes: "uint8"
      }
  }

  /// Writes the file atomically; throws `FigmentError` if writing fails.
  public func write(_ path: String) throws {
    try writeAtomically(encoded(), to: path)
  }

  /// Encodes the array as a file.
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

  /// Appends a number, least significant byte first.
  private func append(_ bits: some FixedWidthInteger, to file: inout [UInt8]) {
    for shift in stride(from: 0, to: bits.bitWidth, by: 8) {
      file.append(UInt8(truncatingIfNeeded: bits >> shift))
    }
  }

  /// Reads an array of booleans, integers or floats of up to 64 bits, in either byte order and
  /// either dimension order; format version 1.0, 2.0 or 3.0.
  ///
  /// Throws `FigmentError` if the file is unreadable or larger than `maximumBytes`, if its type is
  /// another one, or if its size differs from the one in its header.
  public static func read(_ path: String, maximumBytes: Int = 1 << 30) throws -> NPY {
    try NPY(decoding: FileSystem.read(path, limit: maximumBytes), name: path)
  }

  /// Decodes the bytes of a complete file; errors start with `name` and are those of `read`.
  public init(decoding file: [UInt8], name: String) throws {
    guard file.count >= 10, file[0] == 0x93, Array(file[1..<6]) == Array("NUMPY".utf8) else {
      throw FigmentError("\(name): not an NPY file, expected it to start with 93 \"NUMPY\"")
    }
    guard (1...3).contains(file[6]), file[7] == 0 else {
      throw FigmentError("\(name): NPY version \(file[6]).\(file[7]), expected 1.0, 2.0 or 3.0")
    }
    let start = file[6] == 1 ? 10 : 12
    guard file.count >= start else { throw FigmentError("\(name): the NPY header is cut short") }
    let length = file[8..<start].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= Self.longestHeader else {
      throw FigmentError(
        "\(name): an NPY header of \(length) bytes, expected at most \(Self.longestHeader)")
    }
    guard length <= file.count - start else {
      throw FigmentError("\(name): the NPY header is cut short")
    }
    let header = try NPYHeader(file[start..<start + length], name)
    guard let type = ElementType(header.descriptor) else {
      throw FigmentError(
        "\(name): values of type \(singleQuoted(header.descriptor)), expected \(NPYHeader.types)")
    }
    let body = file[(start + length)...]
    guard product(header.shape + [type.width]) == body.count else {
      let promised = "shape (\(times(header.shape))) of \(type.width)-byte values"
      throw FigmentError(
        "\(name): the header promises \(promised), the file holds \(body.count) bytes")
    }
    shape = header.shape
    typeName = type.name
    let values = body.withUnsafeBytes { type.values($0) }
    self.values = header.isFortranOrder ? values.fromFortranOrder(header.shape) : values
  }

  /// Limit in bytes; usual headers have a few hundred, and parsing a very long one would take a
  /// while.
  private static let longestHeader = 65_536
}

/// A NumPy type whose values can be read.
private struct ElementType {
  /// "b" for booleans, "i" and "u" for signed and unsigned integers, "f" for floats.
  let kind: Character
  /// Size of a value in bytes.
  let width: Int
  /// True if the most significant byte comes first.
  let isBigEndian: Bool

  /// Parses NumPy's description of a type: an optional byte order, then the kind and the width.
  init?(_ descriptor: String) {
    var rest = Substring(descriptor)
    let order = rest.first.flatMap { "<>|=".contains($0) ? $0 : nil }
    if order != nil { rest.removeFirst() }
    // NumPy never writes "="; its native order is little-endian on every supported machine.
    isBigEndian = order == ">"
    switch rest {
    case "?", "b1": (kind, width) = ("b", 1)
    case "i1", "i2", "i4", "i8": (kind, width) = ("i", rest.last?.wholeNumberValue ?? 0)
    case "u1", "u2", "u4", "u8": (kind, width) = ("u", rest.last?.wholeNumberValue ?? 0)
    case "f2", "f4", "f8": (kind, width) = ("f", rest.last?.wholeNumberValue ?? 0)
    default: return nil
    }
  }

  /// NumPy's name of the type.
  var name: String {
    switch kind {
    case "b": "bool"
    case "i": "int\(8 * width)"
    case "u": "uint\(8 * width)"
    default: "float\(8 * width)"
    }
  }

  /// Decodes bytes that hold values of this type.
  func values(_ bytes: UnsafeRawBufferPointer) -> NPY.Values {
    func numbers<Bits: FixedWidthInteger, Number>(
      _: Bits.Type, _ number: (Bits) -> Number
    ) -> [Number] {
      let size = MemoryLayout<Bits>.size
      return (0..<bytes.count / size).map {
        let bits = bytes.loadUnaligned(fromByteOffset: size * $0, as: Bits.self)
        return number(isBigEndian ? Bits(bigEndian: bits) : Bits(littleEndian: bits))
      }
    }
    return switch (kind, width) {
    case ("b", _): .bytes(bytes.map { $0 == 0 ? 0 : 1 })
    case ("u", 1): .bytes(Array(bytes))
    case ("u", 2): .floats(numbers(UInt16.self) { Float($0) })
    case ("u", 4): .doubles(numbers(UInt32.self) { Double($0) })
    case ("u", _): .doubles(numbers(UInt64.self) { Double($0) })
    case ("i", 1): .floats(numbers(Int8.self) { Float($0) })
    case ("i", 2): .floats(numbers(Int16.self) { Float($0) })
    case ("i", 4): .doubles(numbers(Int32.self) { Double($0) })
    case ("i", _): .doubles(numbers(Int64.self) { Double($0) })
    case (_, 2): .floats(numbers(UInt16.self) { Float(half: $0) })
    case (_, 4): .floats(numbers(UInt32.self) { Float(bitPattern: $0) })
    default: .doubles(numbers(UInt64.self) { Double(bitPattern: $0) })
    }
  }
}

extension Float {
  /// The exact value of a half-precision float (IEEE 754 binary16), given by its bits.
  fileprivate init(half bits: UInt16) {
    let (exponent, fraction) = (Int(bits >> 10 & 31), bits & 0x3ff)
    let size: Float =
      switch exponent {
      case 0: Float(fraction) * 0x1p-24
      case 31: fraction == 0 ? .infinity : .nan
      default: Float(sign: .plus, exponent: exponent - 15, significand: 1 + Float(fraction) / 1024)
      }
    self = bits >> 15 == 0 ? size : -size
  }
}

extension NPY.Values {
  /// Reorders values from first dimension fastest to last dimension fastest.
  fileprivate func fromFortranOrder(_ shape: [Int]) -> NPY.Values {
    switch self {
    case .floats(let values): .floats(reordered(values, shape))
    case .doubles(let values): .doubles(reordered(values, shape))
    case .bytes(let values): .bytes(reordered(values, shape))
    }
  }

  private func reordered<Number>(_ values: [Number], _ shape: [Int]) -> [Number] {
    guard shape.count > 1, !values.isEmpty else { return values }
    var strides: [Int] = []
    var stride = 1
    for size in shape {
      strides.append(stride)
      stride *= size
    }
    var index = [Int](repeating: 0, count: shape.count)
    var place = 0
    return values.indices.map { _ in
      let value = values[place]
      var axis = shape.count - 1
      while axis >= 0 {
        index[axis] += 1
        place += strides[axis]
        if index[axis] < shape[axis] { break }
        place -= strides[axis] * shape[axis]
        index[axis] = 0
        axis -= 1
      }
      return value
    }
  }
}
