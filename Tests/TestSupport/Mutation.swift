/// Seeded damage to the bytes of a file.
package struct Mutation {
  /// Pieces of such files, which are inserted at random places.
  package var tokens: [String]

  /// Damage that puts in `tokens`.
  package init(tokens: [String] = []) { self.tokens = tokens }

  /// Up to four changes: a byte, a bit, a run of extremes, a cut, a copy, a deletion, a token; one file in
  /// sixteen is left as it is.
  package func damage(_ original: [UInt8], _ generator: inout SplitMix64) -> [UInt8] {
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
  package func damagePNG(_ original: [UInt8], _ generator: inout SplitMix64) -> [UInt8] {
    func below(_ bound: Int) -> Int { Int.random(in: 0..<max(1, bound), using: &generator) }
    guard below(4) > 0 else { return damage(original, &generator) }
    var raw = RawPNG(parsing: original)
    for _ in 0...below(3) where !raw.chunks.isEmpty {
      let place = below(raw.chunks.count)
      switch below(7) {
      case 0: raw.chunks.remove(at: place)
      case 1: raw.chunks.insert(raw.chunks[place], at: below(raw.chunks.count + 1))
      case 2: raw.chunks.swapAt(place, below(raw.chunks.count))
      case 3:
        let kept = below(raw.chunks[place].data.count + 1)
        raw.chunks[place].data = Array(raw.chunks[place].data.prefix(kept))
      case 4 where !tokens.isEmpty: raw.chunks[place].name = tokens[below(tokens.count)]
      default: raw.chunks[place].data = damage(raw.chunks[place].data, &generator)
      }
    }
    return raw.bytes
  }
}
