import CZlib
import TestSupport

/// Seeded damage to the bytes of a file.
struct Mutation {
  /// What belongs into such files and is put in at random places.
  var tokens: [String] = []

  /// Up to four changes: a byte, a bit, a run of extremes, a cut, a copy, a deletion, a token; one file in
  /// sixteen is left as it is.
  func damage(_ original: [UInt8], _ generator: inout SplitMix64) -> [UInt8] {
    func below(_ bound: Int) -> Int { Int.random(in: 0..<max(1, bound), using: &generator) }
    var bytes = original
    if below(16) == 0 { return bytes }
    for _ in 0...below(4) where !bytes.isEmpty {
      let place = below(bytes.count)
      switch below(9) {
      case 0, 1: bytes[place] = UInt8(below(256))
      case 2: bytes[place] ^= 1 << UInt8(below(8))
      case 3:
        let value: UInt8 = [0, 0x7F, 0x80, 0xFF][below(4)]
        for i in place..<min(place + 1 + below(8), bytes.count) { bytes[i] = value }
      case 4: if below(4) == 0 { bytes.removeLast(below(bytes.count)) }
      case 5:
        let end = min(place + 1 + below(16), bytes.count)
        bytes.insert(contentsOf: Array(bytes[place..<end]), at: below(bytes.count))
      case 6: bytes.removeSubrange(place..<min(place + 1 + below(8), bytes.count))
      default:
        guard !tokens.isEmpty else { continue }
        let token = tokens[below(tokens.count)].utf8
        // In place of as much, or between.
        let end = below(2) == 0 ? place : min(place + token.count, bytes.count)
        bytes.replaceSubrange(place..<end, with: token)
      }
    }
    return bytes
  }

  /// The same for the chunks of a PNG, whose checksums then agree three times in four: damage gets past
  /// them.
  func damagePNG(_ original: [UInt8], _ generator: inout SplitMix64) -> [UInt8] {
    func below(_ bound: Int) -> Int { Int.random(in: 0..<max(1, bound), using: &generator) }
    guard below(4) > 0 else { return damage(original, &generator) }
    var chunks: [(name: [UInt8], data: [UInt8])] = []
    var position = 8
    while position + 12 <= original.count {
      let length = original[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
      guard position + 12 + length <= original.count else { break }
      let name = position + 4
      chunks.append(
        (Array(original[name..<name + 4]), Array(original[name + 4..<name + 4 + length])))
      position += 12 + length
    }
    for _ in 0...below(3) where !chunks.isEmpty {
      let place = below(chunks.count)
      switch below(7) {
      case 0: chunks.remove(at: place)
      case 1: chunks.insert(chunks[place], at: below(chunks.count + 1))
      case 2: chunks.swapAt(place, below(chunks.count))
      case 3:
        chunks[place].data = Array(chunks[place].data.prefix(below(chunks[place].data.count + 1)))
      case 4 where !tokens.isEmpty: chunks[place].name = Array(tokens[below(tokens.count)].utf8)
      default: chunks[place].data = damage(chunks[place].data, &generator)
      }
    }
    var bytes = Array(original.prefix(8))
    for (name, data) in chunks { bytes += RawPNG.chunk(name, data) }
    return bytes
  }
}

/// A gzip file of `bytes`.
func gzipped(_ bytes: [UInt8]) throws -> [UInt8] {
  var stream = z_stream()
  let size = Int32(MemoryLayout<z_stream>.size)
  guard
    deflateInit2_(
      &stream, 9, Z_DEFLATED, 16 + 15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK
  else { throw TrialError("zlib cannot start") }
  defer { deflateEnd(&stream) }
  var input = bytes
  var output = [UInt8](repeating: 0, count: bytes.count + 1024)
  let status = input.withUnsafeMutableBufferPointer { source in
    output.withUnsafeMutableBufferPointer { target in
      (stream.next_in, stream.avail_in) = (source.baseAddress, UInt32(source.count))
      (stream.next_out, stream.avail_out) = (target.baseAddress, UInt32(target.count))
      return deflate(&stream, Z_FINISH)
    }
  }
  guard status == Z_STREAM_END else { throw TrialError("zlib status \(status)") }
  return Array(output.prefix(output.count - Int(stream.avail_out)))
}
