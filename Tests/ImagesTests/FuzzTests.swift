import Images
import Support
import TestSupport
import Testing

struct FuzzTests {
  /// Files of every kind that the decoder reads, refuses or partly ignores.
  static func seeds() throws -> [RawPNG] {
    let text = [
      ("key", "value"), ("seed", "\u{3B1}"), ("long", String(repeating: "x", count: 2000)),
    ]
    let still = try PNG.encode(pattern(width: 7, height: 5, channels: 3), text: text)
    let animation = try PNG.encode(animation: AnimationTests.frames(2, channels: 1))
    return [
      RawPNG(parsing: still), RawPNG(parsing: animation), RawPNG(depth: 1), RawPNG(depth: 16),
      RawPNG(color: 6), RawPNG(interlace: 1), RawPNG(before: [("gAMA", [0, 0, 1, 2])]),
      RawPNG(color: 3, before: [("PLTE", [0, 0, 0, 255, 255, 255])]),
    ]
  }

  /// Every damaged file gives a picture within the limit or a one-line error, with corrected checksums
  /// (so that the damage is not detected early) and without.
  @Test(arguments: 0..<8 as Range<UInt64>) func survivesDamage(seed: UInt64) throws {
    var generator = SplitMix64(state: seed)
    let seeds = try Self.seeds()
    for trial in 0..<600 {
      let bytes = Mutation().damagePNG(seeds[trial % seeds.count].bytes, &generator)
      do throws(FigmentError) {
        let bitmap = try PNG.decode(bytes, maximumPixels: 1 << 16).bitmap
        #expect(bitmap.width * bitmap.height <= 1 << 16, "seed \(seed), trial \(trial)")
        #expect(
          bitmap.pixels.count == bitmap.width * bitmap.height * bitmap.channels,
          "seed \(seed), trial \(trial)")
      } catch {
        #expect(
          !error.description.isEmpty && error.description.count < 400
            && !error.description.contains("\n"), "seed \(seed), trial \(trial)")
      }
    }
  }

  /// Many texts of 3 MB, each compressed to 3 kB.
  @Test func textsThatSwellAreLeftAway() throws {
    let value = String(repeating: "a", count: 3_000_000)
    let small = pattern(width: 2, height: 2, channels: 1)
    var raw = RawPNG(parsing: try PNG.encode(small, text: [("key", value)]))
    #expect(try PNG.decode(raw.bytes).text.first?.value.utf8.count == 3_000_000)
    raw.chunks.insert(contentsOf: Array(repeating: raw.chunks[1], count: 200), at: 1)
    let bytes = raw.bytes
    #expect(bytes.count < 2_000_000)
    for text in [try PNG.decode(bytes).text, try PNG.text(of: bytes)] {
      // What fits in 32 MiB.
      #expect((1...11).contains(text.count), "\(text.count)")
      #expect(text.allSatisfy { $0.value.utf8.count == 3_000_000 })
    }
    #expect(try PNG.picture(bytes).bitmap == small)
  }
}
