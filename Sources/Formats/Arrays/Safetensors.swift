import Glibc
import Support

/// The name and shape of an array in a safetensors file; its values are 32-bit floats.
public struct ArrayDescription: Equatable, Sendable {
  /// The name, unique in its file and not `__metadata__`.
  public let name: String
  /// The extent of each axis, outermost first; empty for a scalar.
  public let shape: [Int]

  /// Describes an array by its name and shape.
  public init(name: String, shape: [Int]) {
    self.name = name
    self.shape = shape
  }

  /// The number of values, or nil if an extent is negative or the size in bytes overflows an `Int`.
  public var count: Int? {
    var count = 1
    for extent in shape {
      guard extent >= 0 else { return nil }
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard !overflow else { return nil }
      count = product
    }
    return count.multipliedReportingOverflow(by: 4).overflow ? nil : count
  }
}

/// An array of 32-bit floats with its name and shape.
public struct NamedArray: Equatable, Sendable {
  /// The name, unique in its file and not `__metadata__`.
  public let name: String
  /// The extent of each axis, outermost first; empty for a scalar.
  public let shape: [Int]
  /// The values in row-major order; their number is the product of the shape.
  public let values: [Float]

  /// Creates an array with its name.
  public init(name: String, shape: [Int], values: [Float]) {
    self.name = name
    self.shape = shape
    self.values = values
  }
}

/// Files in the safetensors format: a JSON header and the raw values of named arrays.
///
/// Only 32-bit floats are written and read. Equal content gives equal bytes: metadata and
/// arrays are sorted by the UTF-8 bytes of their names, and the header is padded with spaces to a
/// multiple of eight.
public enum Safetensors {
  /// The longest header that is read or written, in bytes; the reference implementation has the
  /// same limit.
  static let maximumHeaderLength = 100_000_000
  /// The largest number of axes that is read or written.
  public static let maximumRank = 32
  /// The header key of the file's string metadata.
  public static let metadataKey = "__metadata__"

  /// Writes arrays and metadata to `path`, atomically.
  ///
  /// - Throws: `FigmentError` if the system refuses, if a name appears twice or if the number of
  ///   values does not match the shape.
  public static func write(
    _ arrays: [NamedArray], metadata: [String: String] = [:], to path: String
  ) throws {
    let byName = Dictionary(arrays.map { ($0.name, $0) }) { first, _ in first }
    let descriptions = arrays.map { ArrayDescription(name: $0.name, shape: $0.shape) }
    try write(descriptions, metadata: metadata, to: path) { description, append in
      if let array = byName[description.name] { try append(array.values.span) }
    }
  }

  /// Writes arrays whose values are supplied one array at a time.
  ///
  /// `values` is called once for each array, in the order of their names, and passes the values to
  /// its second argument, in one piece or several.
  ///
  /// - Throws: The errors of `write(_:metadata:to:)`, and those of `values`.
  public static func write(
    _ arrays: [ArrayDescription], metadata: [String: String] = [:], to path: String,
    values: (ArrayDescription, (Span<Float>) throws -> Void) throws -> Void
  ) throws {
    let arrays = arrays.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    let header = try header(of: arrays, metadata: metadata, path: path)
    try writeAtomically(to: path) { writer in
      try writer.write([UInt64(header.utf8.count).littleEndian].span.bytes)
      try writer.write(header)
      for array in arrays {
        var count = 0
        try values(array) { piece in
          count += piece.count
          try writer.write(piece.bytes)
        }
        guard count == array.count else {
          throw FigmentError(
            path: path,
            problem: "array \(quoted(array.name)) has \(count) values; "
              + "its shape \(array.shape) asks for \(array.count ?? 0)")
        }
      }
    }
  }

  private static func header(
    of arrays: [ArrayDescription], metadata: [String: String], path: String
  ) throws -> String {
    var members: [String] = []
    if !metadata.isEmpty {
      let pairs = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        .map { jsonString($0.key) + ":" + jsonString($0.value) }
      members.append("\"\(metadataKey)\":{" + pairs.joined(separator: ",") + "}")
    }
    var offset = 0
    var names: Set<String> = [metadataKey]
    for array in arrays {
      guard names.insert(array.name).inserted else {
        throw FigmentError(
          path: path, problem: "cannot hold two arrays of the name \(quoted(array.name))")
      }
      guard let count = array.count, array.shape.count <= maximumRank,
        case let (end, overflow) = offset.addingReportingOverflow(4 * count), !overflow
      else {
        throw FigmentError(
          path: path, problem: "cannot hold array \(quoted(array.name)) of shape \(array.shape)")
      }
      let shape = array.shape.map(String.init).joined(separator: ",")
      members.append(
        jsonString(array.name)
          + ":{\"dtype\":\"F32\",\"shape\":[\(shape)],\"data_offsets\":[\(offset),\(end)]}")
      offset = end
    }
    let header = "{" + members.joined(separator: ",") + "}"
    let length = (header.utf8.count + 7) / 8 * 8
    guard length <= maximumHeaderLength else {
      throw FigmentError(
        path: path,
        problem: "the header would be \(length) bytes long; at most \(maximumHeaderLength) can be")
    }
    return header + String(repeating: " ", count: length - header.utf8.count)
  }
}

/// A safetensors file, open or in memory, whose header has been checked against its length.
///
/// Opening reads only the header; values are read on request. Every size is checked before memory
/// of that size is allocated.
public struct SafetensorsReader: ~Copyable, Sendable {
  private let file: Source
  private let places: [String: (index: Int, offset: Int)]

  /// The string map under `__metadata__`; empty if there is none.
  public let metadata: [String: String]
  /// The arrays in the order of their values in the file.
  public let arrays: [ArrayDescription]

  /// Opens `path` and checks its header.
  ///
  /// - Throws: `FigmentError` if the file cannot be read, if the header is not that of a
  ///   safetensors file of 32-bit floats, or if it does not match the size of the file.
  public init(_ path: String) throws {
    try self.init(.file(try OpenFile(path, flags: O_RDONLY)))
  }

  /// Reads the content of a file that is in memory, such as one that is part of a program.
  ///
  /// - Parameter name: Name of the file in errors.
  /// - Throws: `FigmentError` under the conditions of `init(_:)`.
  public init(_ bytes: [UInt8], named name: String) throws {
    try self.init(.memory(bytes, name: name))
  }

  private init(_ file: consuming Source) throws {
    let (path, length) = (file.path, try file.length)
    func failure(_ problem: String) -> FigmentError { FigmentError(path: path, problem: problem) }
    guard length >= 8 else {
      throw failure("not a safetensors file: \(length) bytes long, expected at least 8")
    }
    let headerLength = try file.bytes(at: 0, count: 8).reversed().reduce(UInt64(0)) {
      $0 << 8 | UInt64($1)
    }
    guard headerLength <= UInt64(Safetensors.maximumHeaderLength) else {
      throw failure(
        "not a safetensors file: its header of \(headerLength) bytes is longer than "
          + "\(Safetensors.maximumHeaderLength)")
    }
    guard headerLength <= UInt64(length - 8) else {
      throw failure("cut short: the header has \(headerLength) bytes, \(length - 8) are left")
    }
    let start = 8 + Int(headerLength)
    let bytes = try file.bytes(at: 8, count: Int(headerLength))
    let header: Header
    do {
      header = try Header(bytes)
      try header.check(dataLength: length - start)
    } catch let error as FigmentError {
      throw failure(error.problem)
    }
    metadata = header.metadata
    arrays = header.entries.map { ArrayDescription(name: $0.name, shape: $0.shape) }
    places = Dictionary(
      uniqueKeysWithValues: header.entries.enumerated().map {
        ($1.name, (index: $0, offset: start + $1.begin))
      })
    self.file = file
  }

  /// Reads the values of one array.
  ///
  /// - Throws: `FigmentError` if there is no such array, or reading fails.
  public func values(of name: String) throws -> [Float] {
    let (array, offset) = try find(name)
    let count = array.count ?? 0
    return try [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      let raw = UnsafeMutableRawBufferPointer(buffer)
      try file.read(into: UnsafeMutableRawBufferPointer(rebasing: raw[..<(4 * count)]), at: offset)
      initialized = count
    }
  }

  /// Reads the values of one array into existing memory.
  ///
  /// - Throws: `FigmentError` if there is no such array, if `destination` has another count, or if
  ///   reading fails.
  public func read(_ name: String, into destination: inout MutableSpan<Float>) throws {
    let (array, offset) = try find(name)
    guard destination.count == array.count else {
      throw FigmentError(
        path: file.path,
        problem: "array \(quoted(name)) has shape \(array.shape); expected "
          + "\(destination.count) values")
    }
    try destination.withUnsafeMutableBufferPointer {
      try file.read(into: UnsafeMutableRawBufferPointer($0), at: offset)
    }
  }

  /// Reads all arrays with their values, in the order of the file.
  ///
  /// - Throws: `FigmentError` if reading fails.
  public func all() throws -> [NamedArray] {
    var result: [NamedArray] = []
    for array in arrays {
      result.append(
        NamedArray(name: array.name, shape: array.shape, values: try values(of: array.name)))
    }
    return result
  }

  private func find(_ name: String) throws -> (ArrayDescription, Int) {
    guard let place = places[name] else {
      throw FigmentError(path: file.path, problem: "has no array \(quoted(name))")
    }
    return (arrays[place.index], place.offset)
  }

  /// The bytes of a safetensors file.
  private enum Source: ~Copyable, Sendable {
    case file(OpenFile)
    case memory([UInt8], name: String)

    var path: String {
      switch self {
      case .file(let file): file.path
      case .memory(_, let name): name
      }
    }

    var length: Int {
      get throws {
        switch self {
        case .file(let file): try file.length()
        case .memory(let bytes, _): bytes.count
        }
      }
    }

    func bytes(at offset: Int, count: Int) throws -> [UInt8] {
      switch self {
      case .file(let file): try file.bytes(at: offset, count: count)
      case .memory(let bytes, _): Array(bytes[offset..<offset + count])
      }
    }

    /// Fills `buffer` from `offset` on; the header has been checked, so that memory has as many.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws {
      switch self {
      case .file(let file): try file.read(into: buffer, at: offset)
      case .memory(let bytes, _): buffer.copyBytes(from: bytes[offset..<offset + buffer.count])
      }
    }
  }

  private struct Header {
    struct Entry {
      var name = ""
      var type: String?
      var shape: [Int] = []
      var hasShape = false
      var offsets: [Int] = []
      var begin: Int { offsets.first ?? 0 }
      var end: Int { offsets.last ?? 0 }
    }

    var metadata: [String: String] = [:]
    var entries: [Entry] = []

    init(_ bytes: [UInt8]) throws {
      guard bytes.first == UInt8(ascii: "{") else {
        throw FigmentError("not a safetensors file: its header does not begin with \"{\"")
      }
      var cursor = JSONCursor(bytes)
      var metadata: [String: String] = [:]
      var entries: [Entry] = []
      do {
        try cursor.object("the header") { name, cursor in
          if name == Safetensors.metadataKey {
            try cursor.object("an object for \(name)") {
              metadata[$0] = try $1.string("a string for \(name).\(printable($0, limit: 60))")
            }
          } else {
            entries.append(try Self.entry(name, &cursor))
          }
        }
        try cursor.end()
      } catch let error as FigmentError {
        throw FigmentError("bad header: " + error.problem)
      }
      self.metadata = metadata
      // Empty arrays have the same offset as the next one.
      self.entries = entries.sorted { ($0.begin, $0.end) < ($1.begin, $1.end) }
    }

    private static func entry(_ name: String, _ cursor: inout JSONCursor) throws -> Entry {
      var entry = Entry(name: name)
      let label = "array \(quoted(name))"
      try cursor.object("an object for \(label)") { key, cursor in
        switch key {
        case "dtype": entry.type = try cursor.string("the dtype of \(label)")
        case "shape":
          entry.hasShape = true
          try cursor.array("the shape of \(label)") { cursor in
            entry.shape.append(try cursor.count("an extent of \(label)"))
            guard entry.shape.count <= Safetensors.maximumRank else {
              throw FigmentError("\(label) has more than \(Safetensors.maximumRank) axes")
            }
          }
        case "data_offsets":
          try cursor.array("the data_offsets of \(label)") { cursor in
            guard entry.offsets.count < 2 else {
              throw FigmentError("\(label) has more than two data_offsets")
            }
            entry.offsets.append(try cursor.count("an offset of \(label)"))
          }
        default:
          throw FigmentError(
            "\(label) has the key \(quoted(key)); expected dtype, shape and data_offsets")
        }
      }
      guard let type = entry.type, entry.hasShape, entry.offsets.count == 2 else {
        throw FigmentError("\(label) lacks dtype, shape or two data_offsets")
      }
      guard type == "F32" else {
        throw FigmentError("\(label) has dtype \(quoted(type)); expected F32")
      }
      return entry
    }

    func check(dataLength: Int) throws {
      var end = 0
      for entry in entries {
        let label = "array \(quoted(entry.name))"
        guard let count = ArrayDescription(name: entry.name, shape: entry.shape).count else {
          throw FigmentError("\(label) has shape \(entry.shape), which overflows")
        }
        guard entry.begin <= entry.end, entry.end - entry.begin == 4 * count else {
          throw FigmentError(
            "\(label) of shape \(entry.shape) needs \(4 * count) bytes; "
              + "its data_offsets are \(entry.offsets)")
        }
        guard entry.begin == end else {
          throw FigmentError(
            "\(label) begins at byte \(entry.begin) of the data; "
              + "expected \(end), where the one before ends")
        }
        guard entry.end <= dataLength else {
          throw FigmentError(
            "cut short: \(label) ends at byte \(entry.end) of the data, "
              + "which has \(dataLength)")
        }
        end = entry.end
      }
      guard end == dataLength else {
        throw FigmentError("the arrays end at byte \(end) of the data, which has \(dataLength)")
      }
    }
  }
}
