import Foundation
import Images
import Support
import TestSupport
import Testing

/// Pixels without nearby repetitions.
func pattern(width: Int, height: Int, channels: Int) -> Bitmap {
  var bitmap = Bitmap(width: width, height: height, channels: channels)
  for index in bitmap.pixels.indices {
    bitmap.pixels[index] = UInt8(truncatingIfNeeded: index &* 89 &+ index / 251 &* 7)
  }
  return bitmap
}

struct PNGTests {
  @Test(arguments: [(1, 1), (1, 7), (7, 1), (3, 5), (28, 28), (127, 3), (255, 257)], [1, 3])
  func roundTrip(size: (width: Int, height: Int), channels: Int) throws {
    let bitmap = pattern(width: size.width, height: size.height, channels: channels)
    let bytes = try PNG.encode(bitmap)
    let decoded = try PNG.decode(bytes)
    #expect(decoded.bitmap == bitmap)
    #expect(decoded.text.isEmpty)
    #expect(try PNG.encode(bitmap) == bytes)
  }

  static let values = [
    "", "plain", "two\nlines", "--set optimizer.rate=1e-3", "Gr\u{F6}\u{DF}e \u{B1} 1",
    "\u{3B1}\u{304}\u{209C} \u{2264} 1, \u{65E5}\u{672C}\u{8A9E}, \u{1F3B2}", "a\ttab\r\n",
    String(repeating: "long ", count: 5000), String(repeating: "\u{3B2}", count: 4000),
  ]

  @Test(arguments: values) func textRoundTrip(value: String) throws {
    let text = [("experiment", value), ("seed", "0"), ("experiment", "again"), ("cl\u{E9}", value)]
    let bitmap = pattern(width: 5, height: 4, channels: 1)
    let bytes = try PNG.encode(bitmap, text: text)
    let decoded = try PNG.decode(bytes)
    #expect(decoded.bitmap == bitmap)
    #expect(decoded.text.map(\.key) == text.map(\.0))
    #expect(decoded.text.map { Array($0.value.utf8) } == text.map { Array($0.1.utf8) })
    #expect(try PNG.encode(bitmap, text: text) == bytes)
    #expect(bytes.count < 4000, "long texts are compressed")
  }

  @Test(arguments: [
    ("", ""), (" lead", " lead"), ("trail ", "trail "), ("two  spaces", "two  spaces"),
    ("\u{3B1}", "\\u{03B1}"), ("new\nline", "new\\nline"),
    (String(repeating: "k", count: 80), String(repeating: "k", count: 80)),
  ])
  func badKey(key: String, shown: String) {
    let error = FigmentError.self
    let thrown = #expect(throws: error) {
      try PNG.encode(Bitmap(width: 1, height: 1, channels: 1), text: [(key, "x")])
    }
    #expect(
      thrown?.description
        == "the text key '\(shown)' is not 1 to 79 characters of Latin-1 with single spaces inside")
  }

  @Test func badPictures() {
    var short = Bitmap(width: 2, height: 2, channels: 1)
    short.pixels.removeLast()
    let table: [(Bitmap, PNG.Text, String)] = [
      (
        short, [],
        "a picture of 2 x 2 pixels with 1 channels cannot have 3 bytes"
      ),
      (
        Bitmap(width: 0, height: 2, channels: 3), [],
        "no PNG can be 0 x 2 pixels with 3 channels"
      ),
      (
        Bitmap(width: 1, height: 1, channels: 4), [],
        "no PNG can be 1 x 1 pixels with 4 channels"
      ),
      (
        Bitmap(width: 1, height: 1, channels: 1), [("key", "a\0b")],
        "the text under the key 'key' contains a zero"
      ),
    ]
    for (bitmap, text, message) in table {
      let thrown = #expect(throws: FigmentError.self) { try PNG.encode(bitmap, text: text) }
      #expect(thrown?.description == message)
    }
  }

  struct Refused: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: [UInt8]
    let message: String

    init(_ name: String, _ bytes: [UInt8], _ message: String) {
      (testDescription, self.bytes, self.message) = (name, bytes, message)
    }
  }

  static let refusal = "animated PNGs are not supported; expected a still one"
  static let animation = (name: "acTL", data: bigEndian(1) + bigEndian(0))

  static let refused: [Refused] = {
    let good = RawPNG().bytes
    var wrongSignature = good
    wrongSignature[4] = 0x0A
    // Signature 8, IHDR 25: the data of IDAT are 41..<60.
    var wrongHeaderCRC = good
    wrongHeaderCRC[32] ^= 1
    var wrongDataCRC = good
    wrongDataCRC[60] ^= 1
    var wrongChecksum = RawPNG()
    wrongChecksum.chunks[1].data[18] ^= 1
    var noPixels = RawPNG()
    noPixels.chunks.remove(at: 1)
    var noEnd = RawPNG()
    noEnd.chunks.removeLast()
    var twoHeaders = RawPNG()
    twoHeaders.chunks.insert(twoHeaders.chunks[0], at: 1)
    var textsOnly = RawPNG(before: [("tEXt", Array("key\0value".utf8))])
    textsOnly.chunks.removeLast(2)
    return [
      Refused("empty", [], "not a PNG: it does not start with the signature of one"),
      Refused(
        "JPEG", [0xFF, 0xD8, 0xFF, 0xE0], "not a PNG: it does not start with the signature of one"),
      Refused(
        "signature", wrongSignature, "not a PNG: it does not start with the signature of one"),
      Refused("CRC of IHDR", wrongHeaderCRC, "damaged PNG: IHDR: CRC error"),
      Refused("CRC of IDAT", wrongDataCRC, "damaged PNG: IDAT: CRC error"),
      Refused("Adler checksum", wrongChecksum.bytes, "damaged PNG: IDAT: incorrect data check"),
      Refused("no IDAT", noPixels.bytes, "damaged PNG: IEND: out of place"),
      Refused("no IEND", noEnd.bytes, "damaged PNG: it ends early"),
      Refused(
        "few rows", RawPNG(rows: [0, 1, 2, 3]).bytes, "damaged PNG: Not enough image data"),
      Refused(
        "bad filter", RawPNG(rows: [9, 1, 2, 3, 0, 1, 2, 3]).bytes,
        "damaged PNG: bad adaptive filter value"),
      Refused("depth 3", RawPNG(depth: 3).bytes, "damaged PNG: Invalid IHDR data"),
      Refused("no width", RawPNG(width: 0).bytes, "damaged PNG: Invalid IHDR data"),
      Refused(
        "unknown critical chunk", RawPNG(before: [("ABCD", [])]).bytes,
        "damaged PNG: ABCD: a chunk of unknown meaning"),
      Refused(
        "text that is not UTF-8",
        RawPNG(before: [("iTXt", Array("key\0\0\0\0\0".utf8) + [0xFF])]).bytes,
        "damaged PNG: the text under the key 'key' is not UTF-8"),
      Refused("animated", RawPNG(before: [animation]).bytes, refusal),
      Refused(
        "animated, 16 bits", RawPNG(depth: 16, before: [animation]).bytes,
        refusal),
      Refused(
        "huge and animated", RawPNG(width: 100_000, height: 100_000, before: [animation]).bytes,
        "100000 x 100000 pixels are more than the 67108864 allowed"),
      Refused(
        "as large as allowed, without its pixels", RawPNG(width: 8192, height: 8192).bytes,
        "damaged PNG: 8192 x 8192 pixels cannot be in 60068 bytes"),
      Refused(
        "beyond 31 bits", RawPNG(width: 0x8000_0000).bytes.prefix(60) + [],
        "damaged PNG: PNG unsigned integer out of range"),
      Refused(
        "palette missing", RawPNG(color: 3).bytes, "damaged PNG: IDAT: Missing PLTE before IDAT"),
      Refused("two headers", twoHeaders.bytes, "damaged PNG: IHDR: out of place"),
      Refused("texts only", textsOnly.bytes, "damaged PNG: it ends early"),
      Refused(
        "huge", RawPNG(width: 0x7FFF_FFFF, height: 0x7FFF_FFFF).bytes.prefix(60) + [],
        "2147483647 x 2147483647 pixels are more than the 67108864 allowed"),
      Refused(
        "large", RawPNG(width: 8193, height: 8192).bytes,
        "8193 x 8192 pixels are more than the 67108864 allowed"),
    ]
  }()

  @Test(arguments: refused) func refuses(case: Refused) {
    let thrown = #expect(throws: FigmentError.self) { try PNG.decode(`case`.bytes) }
    #expect(thrown?.description == `case`.message)
  }

  @Test func refusesEveryTruncation() throws {
    let whole = try PNG.encode(
      pattern(width: 9, height: 11, channels: 3), text: [("key", "value"), ("\u{E9}", "\u{3B1}")])
    for count in 1..<whole.count {
      let thrown = #expect(throws: FigmentError.self) { try PNG.decode(Array(whole.prefix(count))) }
      #expect(thrown?.description == "damaged PNG: it ends early", "\(count) bytes")
    }
  }

  /// A single wrong byte gives either an error or a picture.
  @Test func survivesEveryWrongByte() throws {
    let bitmap = pattern(width: 4, height: 3, channels: 1)
    let whole = try PNG.encode(bitmap, text: [("k", "v")])
    var refused = 0
    for index in whole.indices {
      for flip: UInt8 in [1, 0x20, 0x80, 0xFF] {
        var bytes = whole
        bytes[index] ^= flip
        // A text may be lost; a pixel may not.
        if let found = try? PNG.decode(bytes).bitmap { #expect(found == bitmap, "byte \(index)") }
        refused += (try? PNG.decode(bytes)) == nil ? 1 : 0
      }
    }
    #expect(refused > 250, "all but the text")
  }

  @Test func allowsAsManyPixelsAsAsked() throws {
    let bytes = try PNG.encode(pattern(width: 6, height: 5, channels: 3))
    #expect(try PNG.decode(bytes, maximumPixels: 30).bitmap.width == 6)
    let thrown = #expect(throws: FigmentError.self) { try PNG.decode(bytes, maximumPixels: 29) }
    #expect(thrown?.description == "6 x 5 pixels are more than the 29 allowed")
  }

  @Test func widensGrey() throws {
    let table: [(depth: UInt8, row: [UInt8], expected: [UInt8])] = [
      (1, [0, 0b1010_0000], [255, 0, 255]),
      (2, [0, 0b0001_1011], [0, 85, 170]),
      (4, [0, 0x0F, 0x70], [0, 255, 119]),
    ]
    for (depth, row, expected) in table {
      let bytes = RawPNG(width: 3, height: 1, depth: depth, rows: row).bytes
      #expect(try PNG.decode(bytes).bitmap.pixels == expected)
    }
  }

  @Test func dropsOpaqueAlpha() throws {
    let grey = RawPNG(width: 2, height: 1, color: 4, rows: [0, 7, 255, 9, 255]).bytes
    #expect(try PNG.decode(grey).bitmap.pixels == [7, 9])
    let color = RawPNG(width: 2, height: 1, color: 6, rows: [0, 1, 2, 3, 255, 4, 5, 6, 255]).bytes
    #expect(try PNG.decode(color).bitmap.pixels == [1, 2, 3, 4, 5, 6])
    #expect(try PNG.picture(color).changes.isEmpty)
  }

  /// Chunks that do not change pixels are ignored, even malformed ones.
  @Test func ignoresWhatDoesNotMatter() throws {
    let before: [(name: String, data: [UInt8])] = [
      ("gAMA", [1, 2]), ("iCCP", [0]), ("tIME", []), ("prVt", [1, 2, 3]),
    ]
    #expect(try PNG.decode(RawPNG(before: before).bytes).bitmap.pixels.count == 6)
  }

  struct Converted: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: [UInt8]
    let pixels: [UInt8]
    let changes: [String]

    init(_ name: String, _ raw: RawPNG, _ pixels: [UInt8], _ changes: String...) {
      (testDescription, bytes, self.pixels, self.changes) = (name, raw.bytes, pixels, changes)
    }
  }

  static let rounded = "16 bits per channel rounded to 8"
  static let overBlack = "transparent pixels laid over black"

  /// Two pixels, or those of `ramp` below.
  static let converted: [Converted] = [
    Converted(
      "palette",
      RawPNG(
        width: 2, height: 1, color: 3, before: [("PLTE", [1, 2, 3, 4, 5, 6])], rows: [0, 1, 0]),
      [4, 5, 6, 1, 2, 3]),
    Converted(
      "palette of 1 bit",
      RawPNG(
        width: 2, height: 1, depth: 1, color: 3, before: [("PLTE", [1, 2, 3, 4, 5, 6])],
        rows: [0, 0x40]),
      [1, 2, 3, 4, 5, 6]),
    Converted(
      "grey palette",
      RawPNG(
        width: 2, height: 1, color: 3, before: [("PLTE", [9, 9, 9, 4, 4, 4])], rows: [0, 1, 0]),
      [4, 9]),
    Converted(
      "transparent palette",
      RawPNG(
        width: 2, height: 1, color: 3, before: [("PLTE", [100, 2, 3, 4, 5, 6]), ("tRNS", [51])],
        rows: [0, 0, 1]),
      [20, 0, 1, 4, 5, 6], overBlack),
    Converted(
      "grey of 16 bits", RawPNG(width: 2, height: 1, depth: 16, rows: [0, 0xff, 0xff, 0x7f, 0xff]),
      [255, 127],
      rounded),
    Converted(
      "RGB of 16 bits",
      RawPNG(width: 1, height: 1, depth: 16, color: 2, rows: [0, 0x01, 0x01, 0x80, 0x80, 0, 0]),
      [1, 128, 0],
      rounded),
    Converted(
      "transparent colour",
      RawPNG(width: 2, height: 1, before: [("tRNS", [0, 7])], rows: [0, 7, 8]), [0, 8],
      overBlack),
    Converted(
      "a transparent colour that no pixel has",
      RawPNG(width: 2, height: 1, before: [("tRNS", [0, 9])], rows: [0, 7, 8]), [7, 8]),
    Converted(
      "grey with alpha", RawPNG(width: 2, height: 1, color: 4, rows: [0, 200, 128, 9, 255]),
      [100, 9], overBlack),
    Converted(
      "RGB of 16 bits with alpha",
      RawPNG(
        width: 1, height: 1, depth: 16, color: 6,
        rows: [0, 0xff, 0xff, 0, 0, 0x0a, 0x0a, 0x33, 0x33]),
      [51, 0, 2], rounded, overBlack),
    Converted("interlaced", interlaced(width: 9, height: 6), ramp(54)),
    Converted("interlaced, one pixel wide", interlaced(width: 1, height: 5), ramp(5)),
    Converted(
      "damaged text",
      RawPNG(
        width: 2, height: 1, before: [("zTXt", Array("k\0\0".utf8) + [0x78, 0x9c, 255])],
        rows: [0, 5, 6]), [5, 6]),
    Converted(
      "text that is not UTF-8",
      RawPNG(
        width: 2, height: 1, before: [("iTXt", Array("k\0\0\0\0\0".utf8) + [255])], rows: [0, 5, 6]),
      [5, 6]),
    Converted(
      "a palette of a grey picture",
      RawPNG(width: 2, height: 1, before: [("PLTE", [1, 2, 3])], rows: [0, 5, 6]), [5, 6]),
    Converted(
      "a transparent colour of a wrong length",
      RawPNG(width: 2, height: 1, before: [("tRNS", [1, 2, 3])], rows: [0, 5, 6]), [5, 6]),
    Converted(
      "more rows than there are", RawPNG(width: 2, height: 1, rows: [0, 5, 6, 0, 7, 8]), [5, 6]),
    Converted(
      "unknown chunks",
      RawPNG(width: 2, height: 1, before: [("abCd", [1]), ("eXIf", [2])], rows: [0, 5, 6]), [5, 6]),
  ]

  /// `count` bytes that differ.
  static func ramp(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: 3 * $0 + 1) }
  }

  /// A grey picture of `ramp` in the seven passes of the PNG specification, section 8.2.
  static func interlaced(width: Int, height: Int) -> RawPNG {
    let passes = [
      (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
      (0, 1, 1, 2),
    ]
    let pixels = ramp(width * height)
    let rows = passes.flatMap { x, y, dx, dy -> [UInt8] in
      stride(from: y, to: height, by: dy).flatMap { row -> [UInt8] in
        let values = stride(from: x, to: width, by: dx).map { pixels[row * width + $0] }
        return values.isEmpty ? [] : [0] + values
      }
    }
    return RawPNG(width: width, height: height, interlace: 1, rows: rows)
  }

  @Test(arguments: converted) func converts(_ case: Converted) throws {
    let picture = try PNG.picture(`case`.bytes)
    #expect(picture.bitmap.pixels == `case`.pixels)
    #expect(picture.changes == `case`.changes)
    #expect(picture.isGreyByPalette == (`case`.testDescription == "grey palette"))
  }

  /// Data after the end, and checksums of chunks that cannot affect the pixels, are ignored.
  @Test func readsWhatOthersRead() throws {
    let good = RawPNG(width: 2, height: 1, rows: [0, 5, 6])
    #expect(try PNG.decode(good.bytes + [1, 2, 3]).bitmap.pixels == [5, 6])
    for name in ["tEXt", "tIME", "tRNS", "prVt"] {
      var bytes = RawPNG(width: 2, height: 1, before: [(name, [0, 5, 0, 1])], rows: [0, 5, 6]).bytes
      // Signature 8, IHDR 25, length 4, name 4.
      bytes[42] ^= 1
      #expect(try PNG.picture(bytes).bitmap.pixels == [5, 6], "\(name)")
    }
  }

  /// 400 x 3, each row as the first, deflated by zlib with a window of 32 KiB and a header that says 256 bytes.
  @Test func windowsThatAreTooSmallAreRead() throws {
    let text =
      "iVBORw0KGgoAAAANSUhEUgAAAZAAAAADCAAAAACYUQZJAAABuUlEQVQIHWNwUWiy+fvs46Fsg598x+8yPukoNV"
      + "nEz83LcjjvBl/hg7/lG8oKXk/hvmocP9121Y3E2RP/nxT8WnPuSsTu/ToPzINP7v3F/0Fs7snwsBK2tLLzG7a8"
      + "7mQ64pR5S+bbrrTLP7Zd2ciw8hVfaVSMXpOAihbHc/b++k6LuA1TlEMDm8K6p71Y8u+TFc/8o+uvJ7SYN2bf5S"
      + "rmPO0lFPTkVsGzIv5TS27JzXDIkZijoj5vRuDVRicW4fzX4cIH0zYaZd5N/mN6fPp/jmVnJ3AGpC13XXs7t8Pw"
      + "0IYfFYoi2i5hobmdq5r2rF1nNbXil6vpEpELqoe8HdZZHVQv0uzYNd3qVa+5+HQ2dr3LViIJVdeDrJ+FVgea3D"
      + "s4rfHLQuOsRSK8rNMXPzux4IyCwqKXlg15H7a1xGbNTa3bodmv+1RvbcnxuaLL4xfNrl1trF9bwFVzVrVTRY2b"
      + "dcr2Px/8jJerR0T7eCyeYzbNIdNDYGFm9My7ARJ1jQpP7jQ8eMF6am14yw+eq5zyW90c3Fp6T5+N0C3/wRy16E"
      + "Fx1YK/X4svr+kpkFDZwzAaIaMRMhoheCIEAFXnSAivm1oAAAAAAElFTkSuQmCC"
    let bytes = Array(try #require(Data(base64Encoded: text)))
    let bitmap = try PNG.picture(bytes).bitmap
    #expect(bitmap.pixels.count == 1200)
    #expect(
      bitmap.pixels[..<400] == bitmap.pixels[400..<800]
        && bitmap.pixels[..<400] == bitmap.pixels[800...])
    #expect(Set(bitmap.pixels).count > 100)
  }

  /// Texts are not decompressed unless requested: a thousand of them would expand to 3 MB each.
  @Test func textsCostNothing() throws {
    let value = String(repeating: "a", count: 3_000_000)
    let bitmap = pattern(width: 2, height: 2, channels: 1)
    let one = try PNG.encode(bitmap, text: [("key", value)])
    let clock = ContinuousClock()
    let asked = try clock.measure { for _ in 0..<20 { _ = try PNG.decode(one) } }
    let unasked = try clock.measure {
      for _ in 0..<20 {
        let read = try PNG.picture(one).bitmap
        #expect(read == bitmap)
      }
    }
    #expect(unasked * 5 < asked, "\(unasked) and \(asked)")
  }

  @Test func readsTextAfterThePixels() throws {
    var raw = RawPNG()
    raw.chunks.insert(("tEXt", Array("late\0yes".utf8)), at: 2)
    let text = try PNG.decode(raw.bytes).text
    #expect(text.map(\.key) == ["late"])
    #expect(text.map(\.value) == ["yes"])
  }
}
