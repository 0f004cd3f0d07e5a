import Training

/// An entry of a ZIP archive, and false values for its headers, if any.
struct ZipEntry {
  var name: String
  var bytes: [UInt8]
  var isDeflated = false
  var flags = 0
  var method: Int?
  var size: Int?
  /// True if sizes and offsets are stored in an extra field, as in archives beyond 4 GiB.
  var isLong = false
}

/// A ZIP archive as `numpy.savez` writes it.
func zipped(_ entries: [ZipEntry]) throws -> [UInt8] {
  func little(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
  var file: [UInt8] = []
  var directory: [UInt8] = []
  for entry in entries {
    // ZIP stores the same deflated bytes and checksum as gzip, without its header.
    let gzip = try gzipped(entry.bytes)
    let packed = entry.isDeflated ? Array(gzip[10..<gzip.count - 8]) : entry.bytes
    let checksum = Array(gzip[(gzip.count - 8)..<(gzip.count - 4)])
    let size = entry.size ?? entry.bytes.count
    let shared =
      little(entry.flags, 2) + little(entry.method ?? (entry.isDeflated ? 8 : 0), 2) + little(0, 4)
      + checksum
    let start = file.count
    file +=
      Array("PK".utf8) + [3, 4, 45, 0] + shared + little(packed.count, 4) + little(size, 4)
      + little(entry.name.utf8.count, 2) + [4, 0] + Array(entry.name.utf8) + [9, 9, 0, 0] + packed
    let long = little(0xffff_ffff, 4)
    let extra =
      entry.isLong
      ? [1, 0, 24, 0] + little(size, 8) + little(packed.count, 8) + little(start, 8) : []
    directory += Array("PK".utf8) + [1, 2, 45, 0, 45, 0] + shared
    directory += entry.isLong ? long + long : little(packed.count, 4) + little(size, 4)
    directory += little(entry.name.utf8.count, 2) + little(extra.count, 2) + little(0, 10)
    directory += entry.isLong ? long : little(start, 4)
    directory += Array(entry.name.utf8) + extra
  }
  let start = file.count
  file += directory
  if entries.contains(where: \.isLong) {
    let end = file.count
    file += Array("PK".utf8) + [6, 6] + little(44, 8) + little(0, 12) + little(entries.count, 8)
    file += little(entries.count, 8) + little(directory.count, 8) + little(start, 8)
    file += Array("PK".utf8) + [6, 7] + little(0, 4) + little(end, 8) + little(1, 4)
  }
  return file + Array("PK".utf8) + [5, 6] + little(0, 4) + little(entries.count, 2)
    + little(entries.count, 2) + little(directory.count, 4) + little(start, 4) + little(0, 2)
}
