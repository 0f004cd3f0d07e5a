import Images
import Support
import TestSupport
import Testing

struct AnimationTests {
  static func frames(_ count: Int, channels: Int) -> [Frame] {
    (0..<count).map { index in
      var picture = pattern(width: 33, height: 41, channels: channels)
      for pixel in picture.pixels.indices { picture.pixels[pixel] &+= UInt8(13 * index) }
      return Frame(picture, milliseconds: 40 + 300 * index)
    }
  }

  @Test(arguments: [1, 2, 9], [1, 3]) func chunks(count: Int, channels: Int) throws {
    let frames = Self.frames(count, channels: channels)
    let text = [("Software", "figment"), ("seed", "\u{3B1}"), ("seed", "1")]
    let bytes = try PNG.encode(animation: frames, text: text)
    let raw = RawPNG(parsing: bytes)
    #expect(raw.bytes == bytes, "every checksum is right")
    let later = Array(repeating: ["fcTL", "fdAT"], count: count - 1).flatMap { $0 }
    #expect(
      raw.chunks.map(\.name)
        == ["IHDR", "acTL", "tEXt", "iTXt", "tEXt", "fcTL", "IDAT"] + later + ["IEND"])
    #expect(raw.chunks[1].data == bigEndian(UInt32(count)) + bigEndian(0))
    let numbered = raw.chunks.filter { $0.name == "fcTL" || $0.name == "fdAT" }
    #expect(numbered.map { number($0.data[...]) } == (0..<UInt32(2 * count - 1)).map { $0 })
    let controls = numbered.filter { $0.name == "fcTL" }.map { Array($0.data.dropFirst(4)) }
    #expect(
      controls
        == frames.map { frame in
          let delay = bigEndian(UInt32(frame.milliseconds) << 16 | 1000)
          return bigEndian(33) + bigEndian(41) + bigEndian(0) + bigEndian(0) + delay + [0, 0]
        })
    let pixels = raw.chunks.compactMap { chunk in
      chunk.name == "IDAT"
        ? chunk.data : chunk.name == "fdAT" ? Array(chunk.data.dropFirst(4)) : nil
    }
    for (frame, data) in zip(frames, pixels) {
      var still = RawPNG()
      still.chunks = [raw.chunks[0], ("IDAT", data), ("IEND", [])]
      #expect(try PNG.decode(still.bytes).bitmap == frame.picture)
    }
    #expect(pixels.count == count)
    let read = try PNG.text(of: bytes)
    #expect(read.map(\.key) == text.map(\.0) && read.map(\.value) == text.map(\.1))
    #expect(try PNG.encode(animation: frames, text: text) == bytes)
    let thrown = #expect(throws: FigmentError.self) { try PNG.decode(bytes) }
    #expect(thrown?.description == PNGTests.refusal)
  }

  @Test func invalidArgumentsThrow() {
    let good = Frame(Bitmap(width: 2, height: 2, channels: 1))
    let table: [(frames: [Frame], text: PNG.Text, message: String)] = [
      ([], [], "an animation needs at least one picture"),
      (
        [good, good, Frame(Bitmap(width: 2, height: 2, channels: 3))], [],
        "picture 2 of an animation is 2 x 2 x 3, the ones before it 2 x 2 x 1"
      ),
      (
        [good, Frame(good.picture, milliseconds: 65536)], [],
        "picture 1 of an animation cannot be shown for 65536 milliseconds; expected 0 to 65535"
      ),
      (
        [Frame(good.picture, milliseconds: -1)], [],
        "picture 0 of an animation cannot be shown for -1 milliseconds; expected 0 to 65535"
      ),
      ([good], [("key", "a\0b")], "the text under the key 'key' contains a zero"),
    ]
    for (frames, text, message) in table {
      let thrown = #expect(throws: FigmentError.self) {
        try PNG.encode(animation: frames, text: text)
      }
      #expect(thrown?.description == message)
    }
  }
}
