import Datasets
import Foundation
import Support
import Testing

/// Runs `body` with the path of a new folder, which is removed afterwards.
func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let folder = NSTemporaryDirectory() + "datasets-tests-\(UUID().uuidString)"
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  return try body(folder)
}

/// Writes a file without waiting for the disk, as `writeAtomically` would.
func put(_ bytes: [UInt8], _ path: String) throws {
  guard let file = fopen(path, "w") else { throw FigmentError("\(path): cannot write") }
  defer { fclose(file) }
  guard fwrite(bytes, 1, bytes.count, file) == bytes.count else {
    throw FigmentError("\(path): cannot write")
  }
}

/// Makes a folder and those above it.
func makeDirectory(_ path: String) throws {
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
}

/// The line of the `FigmentError` that `body` throws.
func message(_ body: () throws -> Void) -> String {
  do {
    try body()
    return "nothing was thrown"
  } catch {
    return "\(error)"
  }
}

/// A gzip file that stores fewer than 65,536 bytes uncompressed (RFC 1951, section 3.2.4).
func stored(_ bytes: [UInt8]) -> [UInt8] {
  func little(_ value: UInt32, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
  }
  var check: UInt32 = 0xffff_ffff
  for byte in bytes {
    check ^= UInt32(byte)
    for _ in 0..<8 { check = check & 1 == 1 ? check >> 1 ^ 0xedb8_8320 : check >> 1 }
  }
  let length = UInt32(bytes.count)
  return [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1] + little(length, 2) + little(~length, 2) + bytes
    + little(~check, 4) + little(length, 4)
}

/// An IDX file with the given header words, then `body`.
func idx(_ words: [UInt32], _ body: [UInt8]) -> [UInt8] {
  words.flatMap { word in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> $0) } } + body
}

/// `count` bytes that differ.
func ramp(_ count: Int) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: 7 * $0) }
}

/// gzip.compress(b"figment " * 20, mtime=0) of Python: a Huffman block with matches.
let packedText: [UInt8] = [
  0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x4b, 0xcb, 0x4c, 0xcf, 0x4d, 0xcd,
  0x2b, 0x51, 0x48, 0x1b, 0xa4, 0x34, 0x00, 0x2e, 0x3f, 0xfa, 0x62, 0xa0, 0x00, 0x00, 0x00,
]
