import CPNG
import Support

/// A reader of PNG files and a writer of 8-bit grey and RGB ones, both on bytes.
public enum PNG {
  /// Text entries in the order of the file; keys may repeat.
  public typealias Text = [(key: String, value: String)]

  /// Encodes a picture; equal arguments give equal bytes.
  ///
  /// Keys are 1 to 79 printable characters of Latin-1 without leading, trailing or consecutive
  /// spaces; values are any text without a zero byte.
  public static func encode(_ bitmap: Bitmap, text: Text = []) throws(FigmentError) -> [UInt8] {
    try check(bitmap)
    guard let picture = cpng_create() else { throw FigmentError("out of memory") }
    defer { cpng_close(picture) }
    func require(_ done: Int32) throws(FigmentError) {
      if done == 0 { throw FigmentError("cannot write this PNG: " + message(of: picture)) }
    }
    for (key, value) in text {
      let name = try latin1(key: key)
      guard !value.utf8.contains(0) else {
        throw FigmentError("the text under the key '\(shown(key))' contains a zero")
      }
      if value.utf8.count <= longestPlainText, let bytes = latin1(value) {
        try require(cpng_add_text(picture, name, bytes, CPNG_TEXT_LATIN1))
      } else {
        let long = value.utf8.count > longestPlainText
        let kind = long ? CPNG_TEXT_UTF8_COMPRESSED : CPNG_TEXT_UTF8
        try require(cpng_add_text(picture, name, value, kind))
      }
    }
    try require(
      cpng_write(
        picture, UInt32(bitmap.width), UInt32(bitmap.height), Int32(bitmap.channels),
        bitmap.pixels))
    var count = 0
    let bytes = cpng_bytes(picture, &count)
    return Array(UnsafeBufferPointer(start: bytes, count: count))
  }

  /// Writes `encode(bitmap, text:)` to a file atomically.
  ///
  /// - Throws: `FigmentError` as `encode` does, or if the system refuses.
  public static func write(_ bitmap: Bitmap, text: Text = [], to path: String) throws {
    try writeAtomically(try encode(bitmap, text: text), to: path)
  }

  /// A decoded picture, with properties of its file.
  public struct Picture: Sendable {
    /// The pixels, grey or RGB, 8 bits per channel.
    public var bitmap: Bitmap
    /// True if it is grey only because all colours of its palette are: as RGB it would look the
    /// same.
    public let isGreyByPalette: Bool
    /// Lossy changes made while reading, one phrase each: 16 bits per channel, transparency.
    public let changes: [String]
  }

  /// Decodes the picture in the bytes of a PNG, skipping its texts, which would take a while if
  /// they are long.
  ///
  /// Palettes, interlacing and grey of 1, 2 or 4 bits are converted without loss; channels of 16
  /// bits are rounded to 8, and transparent pixels are laid over black. Damage that cannot affect
  /// the pixels is ignored, as by zlib and libpng. An animation is an error, and so is a picture of
  /// more than `maximumPixels`, before memory is allocated for it.
  public static func picture(
    _ bytes: [UInt8], maximumPixels: Int = 1 << 26
  ) throws(FigmentError) -> Picture {
    try read(bytes) { picture throws(FigmentError) in
      let header = try readHeader(picture, withTexts: false)
      return try readPicture(picture, header, bytes.count, maximumPixels: maximumPixels)
    }
  }

  /// Decodes the picture as `picture` does, and the texts, from the bytes of a PNG.
  public static func decode(
    _ bytes: [UInt8], maximumPixels: Int = 1 << 26
  ) throws(FigmentError) -> (bitmap: Bitmap, text: Text) {
    try read(bytes) { picture throws(FigmentError) in
      let header = try readHeader(picture, withTexts: true)
      let found = try readPicture(picture, header, bytes.count, maximumPixels: maximumPixels)
      return (bitmap: found.bitmap, text: try readText(picture))
    }
  }

  /// Reads the texts before the pixels of any PNG, even of animations and others that `decode`
  /// refuses; the pixels are not decoded.
  public static func text(of bytes: [UInt8]) throws(FigmentError) -> Text {
    try read(bytes) { picture throws(FigmentError) in
      _ = try readHeader(picture, withTexts: true)
      return try readText(picture)
    }
  }

  private static func read<Result>(
    _ bytes: [UInt8], _ body: (OpaquePointer) throws(FigmentError) -> Result
  ) throws(FigmentError) -> Result {
    guard bytes.starts(with: signature) else {
      let short = !bytes.isEmpty && signature.starts(with: bytes)
      throw FigmentError(
        short ? damaged + "it ends early" : "not a PNG: it does not start with the signature of one"
      )
    }
    // The C side holds the pointer from open to close.
    let result = bytes.withUnsafeBufferPointer { bytes in
      Swift.Result { () throws(FigmentError) in
        guard let picture = cpng_open(bytes.baseAddress, bytes.count) else {
          throw FigmentError("out of memory")
        }
        defer { cpng_close(picture) }
        return try body(picture)
      }
    }
    return try result.get()
  }

  static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
  private static let damaged = "damaged PNG: "
  /// The largest number of bytes that one compressed byte can expand to.
  private static let deflation = 1032
  /// The length in UTF-8 bytes above which a value is compressed.
  private static let longestPlainText = 1024

  private static func message(of picture: OpaquePointer) -> String {
    String(cString: cpng_message(picture))
  }

  private static func check(_ bitmap: Bitmap) throws(FigmentError) {
    let (width, height, channels) = (bitmap.width, bitmap.height, bitmap.channels)
    let sides = 1...Int(Int32.max)
    guard sides.contains(width), sides.contains(height), channels == 1 || channels == 3 else {
      throw FigmentError("no PNG can be \(width) x \(height) pixels with \(channels) channels")
    }
    guard bitmap.pixels.count == width * height * channels else {
      throw FigmentError(
        "a picture of \(width) x \(height) pixels with \(channels) channels cannot have "
          + "\(bitmap.pixels.count) bytes")
    }
  }

  private static func latin1(key: String) throws(FigmentError) -> [CChar] {
    let characters = key.unicodeScalars.map(\.value)
    let printable = characters.allSatisfy { (32...126).contains($0) || (161...255).contains($0) }
    let doubled = zip(characters, characters.dropFirst()).contains { $0 == 32 && $1 == 32 }
    guard let bytes = latin1(key), printable, !doubled, (1...79).contains(characters.count),
      characters.first != 32, characters.last != 32
    else {
      throw FigmentError(
        "the text key '\(shown(key))' is not 1 to 79 characters of Latin-1 with single spaces inside"
      )
    }
    return bytes
  }

  /// The text in Latin-1, zero-terminated, or nil if it contains a character that is not valid in a
  /// tEXt chunk.
  private static func latin1(_ text: String) -> [CChar]? {
    var bytes: [CChar] = []
    for scalar in text.unicodeScalars {
      guard let byte = UInt8(exactly: scalar.value), byte == 10 || byte & 0x7F >= 32, byte != 127
      else { return nil }
      bytes.append(CChar(bitPattern: byte))
    }
    return bytes + [0]
  }

  private static func readHeader(
    _ picture: OpaquePointer, withTexts: Bool
  ) throws(FigmentError) -> cpng_header {
    var header = cpng_header()
    guard cpng_read_header(picture, &header, withTexts ? 1 : 0) != 0 else {
      throw FigmentError(damaged + message(of: picture))
    }
    return header
  }

  private static func readPicture(
    _ picture: OpaquePointer, _ header: cpng_header, _ fileSize: Int, maximumPixels: Int
  ) throws(FigmentError) -> Picture {
    let (width, height) = (Int(header.width), Int(header.height))
    // Both fit in 31 bits, so the product does not overflow.
    guard width * height <= maximumPixels else {
      throw FigmentError("\(width) x \(height) pixels are more than the \(maximumPixels) allowed")
    }
    guard header.animated == 0 else {
      throw FigmentError("animated PNGs are not supported; expected a still one")
    }
    let bits = Int(header.channels) * Int(header.depth)
    guard height * ((width * bits + 7) / 8) <= deflation * fileSize else {
      throw FigmentError(damaged + "\(width) x \(height) pixels cannot be in \(fileSize) bytes")
    }
    var stored: Int32 = 0
    guard cpng_prepare_pixels(picture, &stored) != 0 else {
      throw FigmentError(damaged + message(of: picture))
    }
    var pixels = [UInt8](repeating: 0, count: width * height * Int(stored))
    guard cpng_read_pixels(picture, &pixels, pixels.count) != 0 else {
      throw FigmentError(damaged + message(of: picture))
    }
    var changes = header.depth == 16 ? ["16 bits per channel rounded to 8"] : []
    var channels = Int(stored)
    if channels == 2 || channels == 4 {
      if overBlack(&pixels, stored: channels) {
        changes.append("transparent pixels laid over black")
      }
      channels -= 1
    }
    let isGreyByPalette = header.palette != 0 && hasGreyPalette(picture)
    if isGreyByPalette {
      pixels = stride(from: 0, to: pixels.count, by: 3).map { pixels[$0] }
      channels = 1
    }
    var bitmap = Bitmap(width: width, height: height, channels: channels, fill: 0)
    bitmap.pixels = pixels
    return Picture(bitmap: bitmap, isGreyByPalette: isGreyByPalette, changes: changes)
  }

  /// Removes the alpha channel, the last of `stored` channels, by blending with black; returns
  /// whether any pixel was not opaque.
  private static func overBlack(_ pixels: inout [UInt8], stored: Int) -> Bool {
    let channels = stored - 1
    let count = pixels.count / stored
    var isTransparent = false
    for pixel in 0..<count {
      let alpha = Int(pixels[pixel * stored + channels])
      isTransparent = isTransparent || alpha < 255
      for channel in 0..<channels {
        let value = Int(pixels[pixel * stored + channel])
        pixels[pixel * channels + channel] = UInt8((value * alpha + 127) / 255)
      }
    }
    pixels.removeLast(count)
    return isTransparent
  }

  /// Returns true if all colours of the palette are grey.
  private static func hasGreyPalette(_ picture: OpaquePointer) -> Bool {
    var colors = [UInt8](repeating: 0, count: 768)
    let count = cpng_palette(picture, &colors)
    return (0..<count).allSatisfy { i in
      let (red, green, blue) = (colors[3 * i], colors[3 * i + 1], colors[3 * i + 2])
      return red == green && red == blue
    }
  }

  private static func readText(_ picture: OpaquePointer) throws(FigmentError) -> Text {
    var texts: Text = []
    for index in 0..<cpng_text_count(picture) {
      let text = cpng_text_at(picture, index)
      guard let key = text.key, let value = text.value else { continue }
      let name = fromLatin1(key)
      if text.kind == CPNG_TEXT_LATIN1 {
        texts.append((name, fromLatin1(value)))
      } else if let value = String(validatingCString: value) {
        texts.append((name, value))
      } else {
        throw FigmentError(damaged + "the text under the key '\(shown(name))' is not UTF-8")
      }
    }
    return texts
  }

  /// A key in a one-line message; keys in files may contain anything.
  private static func shown(_ key: String) -> String {
    key.unicodeScalars.map { $0.escaped(asASCII: true) }.joined()
  }

  private static func fromLatin1(_ text: UnsafePointer<CChar>) -> String {
    var result = String.UnicodeScalarView()
    var next = text
    while next.pointee != 0 {
      result.append(Unicode.Scalar(UInt8(bitPattern: next.pointee)))
      next += 1
    }
    return String(result)
  }
}
