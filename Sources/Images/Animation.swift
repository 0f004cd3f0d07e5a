import Support

/// One frame of an animation.
public struct Frame: Equatable, Sendable {
  /// The content of the frame.
  public var picture: Bitmap
  /// Duration of the frame, up to 65535.
  public var milliseconds: Int

  /// Creates a frame.
  public init(_ picture: Bitmap, milliseconds: Int = 80) {
    (self.picture, self.milliseconds) = (picture, milliseconds)
  }
}

extension PNG {
  /// Encodes an animated PNG that repeats forever, from the first frame to the last; equal
  /// arguments give equal bytes.
  ///
  /// Programs without support for animations show the first frame. All frames must have the size
  /// and channels of the first; see `encode` for `text`.
  public static func encode(
    animation frames: [Frame], text: Text = []
  ) throws(FigmentError) -> [UInt8] {
    guard let first = frames.first?.picture else {
      throw FigmentError("an animation needs at least one picture")
    }
    func size(_ picture: Bitmap) -> String {
      "\(picture.width) x \(picture.height) x \(picture.channels)"
    }
    for (index, frame) in frames.enumerated() {
      guard size(frame.picture) == size(first) else {
        throw FigmentError(
          "picture \(index) of an animation is \(size(frame.picture)), the ones before it "
            + size(first))
      }
      guard (0...65535).contains(frame.milliseconds) else {
        throw FigmentError(
          "picture \(index) of an animation cannot be shown for \(frame.milliseconds) "
            + "milliseconds; expected 0 to 65535")
      }
    }
    var bytes = signature
    var sequenceNumber: UInt32 = 0
    func nextNumber() -> [UInt8] {
      defer { sequenceNumber += 1 }
      return bigEndian(sequenceNumber)
    }
    for (index, frame) in frames.enumerated() {
      // Each frame is encoded as a PNG of its own, of which only the pixel data are used.
      let still = try encode(frame.picture, text: index == 0 ? text : [])
      let chunks = chunks(of: still)
      let pixels = chunks.filter { $0.name == "IDAT" }.flatMap(\.data)
      if index == 0 {
        for chunk in chunks.prefix(while: { $0.name != "IDAT" }) {
          append(chunk.name, Array(chunk.data), to: &bytes)
          // Zero repetitions mean forever.
          if chunk.name == "IHDR" {
            append("acTL", bigEndian(UInt32(frames.count)) + bigEndian(0), to: &bytes)
          }
        }
      }
      append("fcTL", nextNumber() + control(frame), to: &bytes)
      if index == 0 {
        append("IDAT", pixels, to: &bytes)
      } else {
        append("fdAT", nextNumber() + pixels, to: &bytes)
      }
    }
    append("IEND", [], to: &bytes)
    return bytes
  }

  /// The content of a frame's fcTL chunk after the sequence number.
  private static func control(_ frame: Frame) -> [UInt8] {
    let (width, height) = (UInt32(frame.picture.width), UInt32(frame.picture.height))
    // The upper half is the numerator of a fraction of a second, the lower its denominator.
    let delay = bigEndian(UInt32(frame.milliseconds) << 16 | 1000)
    // At the upper left corner, without disposal: each frame stays until the next replaces it.
    return bigEndian(width) + bigEndian(height) + bigEndian(0) + bigEndian(0) + delay + [0, 0]
  }

  /// The chunks of a PNG written by `encode`.
  private static func chunks(of bytes: [UInt8]) -> [(name: String, data: ArraySlice<UInt8>)] {
    var chunks: [(name: String, data: ArraySlice<UInt8>)] = []
    var start = signature.count
    while start < bytes.count {
      let count = bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
      let name = String(decoding: bytes[start + 4..<start + 8], as: UTF8.self)
      chunks.append((name, bytes[start + 8..<start + 8 + count]))
      start += 12 + count
    }
    return chunks
  }

  private static func append(_ name: String, _ data: [UInt8], to bytes: inout [UInt8]) {
    bytes += bigEndian(UInt32(data.count))
    let start = bytes.count
    bytes += Array(name.utf8) + data
    bytes += bigEndian(checksum(bytes[start...]))
  }

  private static func bigEndian(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }

  /// The CRC-32 of a chunk's name and data (PNG specification, annex D).
  private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    var crc = UInt32.max
    for byte in bytes { crc = crc >> 8 ^ remainders[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] }
    return ~crc
  }

  private static let remainders: [UInt32] = (0..<256).map { value in
    (0..<8).reduce(UInt32(value)) { crc, _ in crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
  }
}
