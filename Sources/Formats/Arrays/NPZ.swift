import Support

/// An archive of arrays, as `numpy.savez` and `numpy.savez_compressed` write it: a ZIP file of .npy
/// files.
public struct NPZ {
  /// Names of its arrays, in the order of the archive; other files in it are ignored.
  public var names: [String] { entries.map(\.name) }

  private let file: [UInt8]
  private let path: String
  private let entries: [Entry]
  private let maximumBytes: Int

  /// An entry of the archive's directory.
  private struct Entry {
    var name: String
    var flags: Int
    var method: Int
    var checksum: UInt32
    var packedSize: Int
    var size: Int
    var offset: Int
  }

  /// Returns true if the bytes start like an archive, empty ones included.
  public static func isArchive(_ bytes: [UInt8]) -> Bool {
    bytes.starts(with: Array("PK".utf8) + [3, 4]) || bytes.starts(with: Array("PK".utf8) + [5, 6])
  }

  /// Decodes the bytes of a complete file; errors start with `path`.
  ///
  /// Throws `FigmentError` if it is not a ZIP file, or its directory is damaged or spans several
  /// files.
  public init(decoding file: [UInt8], path: String, maximumBytes: Int) throws {
    (self.file, self.path, self.maximumBytes) = (file, path, maximumBytes)
    let damaged = FigmentError("\(path): damaged archive: its directory cannot be read")
    func number(_ offset: Int, _ width: Int) throws -> Int {
      guard offset >= 0, offset <= file.count - width else { throw damaged }
      let value = (0..<width).reduce(UInt64(0)) { $0 | UInt64(file[offset + $1]) << UInt64(8 * $1) }
      guard let number = Int(exactly: value) else { throw damaged }
      return number
    }
    // The end record is at the end of the file, except for a comment of up to 65,535 bytes.
    let last = file.count - 22
    guard
      let end = stride(from: last, through: max(0, last - 0xffff), by: -1).first(where: {
        file[$0] == 0x50 && file[$0 + 1] == 0x4b && file[$0 + 2] == 5 && file[$0 + 3] == 6
      })
    else { throw FigmentError("\(path): not a ZIP archive, or truncated") }
    var (count, start) = (try number(end + 10, 2), try number(end + 16, 4))
    if end >= 20, try number(end - 20, 4) == 0x0706_4b50 {
      let long = try number(end - 12, 8)
      guard try number(long, 4) == 0x0606_4b50 else { throw damaged }
      (count, start) = (try number(long + 32, 8), try number(long + 48, 8))
    }
    // Each entry takes at least 46 bytes of the directory.
    guard count <= file.count / 46 else { throw damaged }
    var entries: [Entry] = []
    var place = start
    for _ in 0..<count {
      guard try number(place, 4) == 0x0201_4b50 else { throw damaged }
      let nameLength = try number(place + 28, 2)
      let extraLength = try number(place + 30, 2)
      let next = place + 46 + nameLength + extraLength + (try number(place + 32, 2))
      guard next <= file.count else { throw damaged }
      var entry = Entry(
        name: shown(name: file[place + 46..<place + 46 + nameLength]),
        flags: try number(place + 8, 2), method: try number(place + 10, 2),
        checksum: UInt32(try number(place + 16, 4)), packedSize: try number(place + 20, 4),
        size: try number(place + 24, 4), offset: try number(place + 42, 4))
      // Values that do not fit in 32 bits are stored, in this order, in an extra field of type 1.
      var extra = place + 46 + nameLength
      let extraEnd = extra + extraLength
      while extra + 4 <= extraEnd {
        let (kind, length) = (try number(extra, 2), try number(extra + 2, 2))
        var field = extra + 4
        extra = field + length
        guard kind == 1 else { continue }
        func long(_ value: Int) throws -> Int {
          guard value == 0xffff_ffff else { return value }
          guard field + 8 <= min(extra, extraEnd) else { throw damaged }
          field += 8
          return try number(field - 8, 8)
        }
        entry.size = try long(entry.size)
        entry.packedSize = try long(entry.packedSize)
        entry.offset = try long(entry.offset)
      }
      place = next
      guard entry.name.hasSuffix(".npy"), !isLitter(entry.name) else { continue }
      entry.name.removeLast(4)
      entries.append(entry)
    }
    self.entries = entries
  }

  /// Reads the array named `name`; errors call its file `path:name`.
  ///
  /// Throws `FigmentError` if there is no such array, if it is encrypted, damaged or compressed by
  /// a method other than stored or deflated, if it is larger than the limit, or if `NPY` cannot
  /// read it.
  public func array(_ name: String) throws -> NPY {
    let place = "\(path):\(name)"
    guard let entry = entries.first(where: { $0.name == name }) else {
      throw FigmentError("\(path): holds no array \(singleQuoted(name)); \(listed)")
    }
    guard entry.flags & 1 == 0 else { throw FigmentError("\(place): encrypted") }
    guard entry.method == 0 || entry.method == 8 else {
      throw FigmentError(
        "\(place): compressed by ZIP method \(entry.method), expected stored or deflated")
    }
    guard entry.size <= maximumBytes else {
      throw FigmentError("\(place): \(entry.size) bytes, expected at most \(maximumBytes)")
    }
    let damaged = FigmentError(
      "\(place): damaged archive: the array is not where its directory says")
    guard entry.offset <= file.count - 30,
      file[entry.offset..<entry.offset + 4].elementsEqual(Array("PK".utf8) + [3, 4])
    else { throw damaged }
    func length(_ offset: Int) -> Int {
      Int(file[entry.offset + offset]) | Int(file[entry.offset + offset + 1]) << 8
    }
    let start = entry.offset + 30 + length(26) + length(28)
    guard start <= file.count, entry.packedSize <= file.count - start else { throw damaged }
    let packed = file[start..<start + entry.packedSize]
    let bytes: [UInt8]
    if entry.method == 8 {
      bytes = try Inflate.raw(packed, size: entry.size, name: place)
    } else {
      guard packed.count == entry.size else {
        throw FigmentError("\(place): \(packed.count) stored bytes, expected \(entry.size)")
      }
      bytes = Array(packed)
    }
    guard Inflate.crc32(bytes) == entry.checksum else {
      throw FigmentError("\(place): damaged archive: the checksum of the array does not match")
    }
    return try NPY(decoding: bytes, name: place)
  }

  /// The names in one line, at most ten of them.
  public var listed: String {
    guard !names.isEmpty else { return "it holds no arrays" }
    let more = names.count > 10 ? ", and \(names.count - 10) more" : ""
    return "it holds " + names.prefix(10).map { singleQuoted($0) }.joined(separator: ", ") + more
  }
}
