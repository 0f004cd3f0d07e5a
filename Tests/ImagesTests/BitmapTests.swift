import Images
import Support
import Testing

struct BitmapTests {
  @Test func numbersAreClampedAndRounded() throws {
    let values: [Float] = [-1, 1, 0, -9, 9, .infinity, -.infinity, 0.003]
    let bitmap = try Bitmap(values, range: -1...1, height: 2, width: 4, channels: 1)
    // 0 is at 127.5, and halves go up.
    #expect(bitmap.pixels == [0, 255, 128, 0, 255, 255, 0, 128])
    let levels = (0...255).map { Float($0) / 255 }
    let all = try Bitmap(levels, range: 0...1, height: 16, width: 16, channels: 1)
    #expect(all.pixels == Array(0...255))
  }

  @Test func batchIsCutInOrder() throws {
    let values = (0..<24).map(Float.init)
    let batch = try Bitmap.batch(values, range: 0...255, height: 2, width: 2, channels: 3)
    #expect(batch.map(\.pixels) == [Array(0..<12), Array(12..<24)])
  }

  @Test func badNumbersAreErrors() {
    let table: [(values: [Float], range: ClosedRange<Float>, channels: Int, message: String)] = [
      ([1, 2, 3], 0...1, 1, "3 values do not make a picture of 2 x 1 x 1"),
      ([1, 2, 3, 4], 0...1, 2, "a picture cannot be 2 x 1 with 2 channels"),
      ([1, .nan], 0...1, 1, "value 1 of a picture is not a number"),
      ([1, 2], 1...1, 1, "the range 1.0...1.0 of a picture's values is empty"),
    ]
    for (values, range, channels, message) in table {
      let thrown = #expect(throws: FigmentError.self) {
        try Bitmap(values, range: range, height: 2, width: 1, channels: channels)
      }
      #expect(thrown?.description == message)
    }
    let thrown = #expect(throws: FigmentError.self) {
      try Bitmap.batch([1, 2, 3], range: 0...1, height: 2, width: 1, channels: 1)
    }
    #expect(
      thrown?.description == "3 values are no whole number of pictures of 2 (2 x 1 x 1)")
  }

  @Test(arguments: [1, 3]) func scaling(channels: Int) {
    let bitmap = pattern(width: 3, height: 2, channels: channels)
    let large = bitmap.scaled(by: 4)
    #expect(large.width == 12 && large.height == 8)
    for y in 0..<8 {
      for x in 0..<12 { #expect(large.color(x: x, y: y) == bitmap.color(x: x / 4, y: y / 4)) }
    }
  }
}

struct TextTests {
  @Test(arguments: [1, 2, 3], [1, 3])
  func everyPrintableCharacterIsDrawnInItsCell(scale: Int, channels: Int) {
    var shapes: Set<[UInt8]> = []
    let size = Bitmap.textSize("M", scale: scale)
    for code: UInt8 in 32...126 {
      let text = String(Unicode.Scalar(code))
      var bitmap = Bitmap(width: size.width + 4, height: size.height + 4, channels: channels)
      bitmap.draw(text: text, x: 2, y: 2, scale: scale)
      var inside = 0
      for y in 0..<bitmap.height {
        for x in 0..<bitmap.width where bitmap.color(x: x, y: y) != .white {
          #expect((2..<size.width + 2).contains(x) && (2..<size.height + 2).contains(y))
          inside += 1
        }
      }
      #expect(inside % (scale * scale) == 0)
      #expect((inside == 0) == (text == " "))
      shapes.insert(bitmap.pixels)
    }
    #expect(shapes.count == 95, "no two look the same")
  }

  @Test func anchors() {
    let width = Bitmap.textSize("Hi", scale: 2).width
    func columns(_ anchor: TextAnchor) -> [Int] {
      var bitmap = Bitmap(width: 100, height: 20, channels: 1)
      bitmap.draw(text: "HH", x: 50, y: 0, scale: 2, anchor: anchor)
      return (0..<100).filter { x in
        (0..<20).contains { bitmap.color(x: x, y: $0) == .black }
      }
    }
    #expect(width == 22)
    #expect(columns(.left).first == 50 && columns(.left).last == 71)
    #expect(columns(.center).first == 39 && columns(.center).last == 60)
    #expect(columns(.right).first == 28 && columns(.right).last == 49)
  }

  @Test func textIsCutOffAtTheEdges() {
    var bitmap = Bitmap(width: 10, height: 4, channels: 3)
    bitmap.draw(text: "far too long", x: -8, y: -3, scale: 2, color: .red)
    bitmap.draw(text: "outside", x: 500, y: 500)
    #expect(bitmap.pixels.count == 120)
    #expect(bitmap.pixels.contains { $0 != 255 })
  }

  @Test func otherCharactersAreBoxes() {
    func drawn(_ text: String) -> Bitmap {
      var bitmap = Bitmap(width: 6, height: 9, channels: 1)
      bitmap.draw(text: text, x: 0, y: 0)
      return bitmap
    }
    #expect(drawn("\u{3B1}") == drawn("\n"))
    #expect(drawn("\u{3B1}") != drawn(" "))
  }
}
