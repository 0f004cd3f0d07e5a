import Images
import Support
import Testing

struct SampleGridTests {
  static func images(_ count: Int, channels: Int) -> [Bitmap] {
    (0..<count).map { index in
      var image = pattern(width: 3, height: 2, channels: channels)
      for pixel in image.pixels.indices { image.pixels[pixel] &+= UInt8(index) }
      return image
    }
  }

  @Test(arguments: [(7, 3, 2, 1), (6, 3, 1, 4), (1, 5, 3, 2), (5, 1, 0, 1)], [1, 3])
  func pixelsAreAtTheirPositions(
    shape: (count: Int, columns: Int, margin: Int, scale: Int), channels: Int
  ) throws {
    let (count, columns, margin, scale) = shape
    let images = Self.images(count, channels: channels)
    let grid = try sampleGrid(
      of: images, columns: columns, margin: margin, scale: scale, background: 77)
    let used = min(columns, count)
    let (stepX, stepY) = (3 * scale + margin, 2 * scale + margin)
    #expect(grid.width == margin + used * stepX)
    #expect(grid.height == margin + (count + used - 1) / used * stepY)
    #expect(grid.channels == channels)
    for y in 0..<grid.height {
      for x in 0..<grid.width {
        let (row, insideY) = (y - margin + stepY).quotientAndRemainder(dividingBy: stepY)
        let (column, insideX) = (x - margin + stepX).quotientAndRemainder(dividingBy: stepX)
        let index = (row - 1) * used + column - 1
        let isImage =
          row > 0 && column > 0 && insideY < 2 * scale && insideX < 3 * scale && index < count
        let expected =
          isImage
          ? images[index].color(x: insideX / scale, y: insideY / scale) : Color(grey: 77)
        #expect(grid.color(x: x, y: y) == expected, "(\(x), \(y))")
      }
    }
  }

  @Test func aStripIsOneRow() throws {
    let images = Self.images(4, channels: 1)
    #expect(try strip(of: images, scale: 2) == sampleGrid(of: images, columns: 4, scale: 2))
  }

  @Test func invalidArgumentsThrow() {
    let small = Bitmap(width: 2, height: 2, channels: 1)
    let table: [(images: [Bitmap], columns: Int, message: String)] = [
      ([], 3, "a sample grid needs at least one picture"),
      (
        [small, small, Bitmap(width: 2, height: 3, channels: 1)], 3,
        "picture 2 of a sample grid is 2 x 3 x 1, the ones before it 2 x 2 x 1"
      ),
      (
        [small, Bitmap(width: 2, height: 2, channels: 3)], 3,
        "picture 1 of a sample grid is 2 x 2 x 3, the ones before it 2 x 2 x 1"
      ),
      ([small], 0, "a sample grid cannot have 0 columns, a margin of 2 and a scale of 1"),
    ]
    for (images, columns, message) in table {
      let thrown = #expect(throws: FigmentError.self) {
        try sampleGrid(of: images, columns: columns)
      }
      #expect(thrown?.description == message)
    }
    let thrown = #expect(throws: FigmentError.self) { try sideBySide([]) }
    #expect(thrown?.description == "no pictures to put side by side")
  }

  @Test func panelsAreSideBySide() throws {
    let left = Bitmap(width: 40, height: 30, channels: 1, fill: 10)
    let right = Bitmap(width: 20, height: 10, channels: 3, fill: 20)
    let both = try sideBySide([Panel("raw", left), Panel("EMA", right)], gap: 8)
    // Captions are 18 high and 34 wide, wider than the right picture.
    #expect(both.width == 8 + 40 + 8 + 34 + 8)
    #expect(both.height == 8 + 18 + 4 + 30 + 8)
    #expect(both.channels == 3)
    for (y, x, level) in [(30, 8, 10), (59, 47, 10), (30, 63, 20), (39, 82, 20), (40, 70, 255)] {
      #expect(both.color(x: x, y: y) == Color(grey: UInt8(level)))
    }
    #expect((8..<26).contains { y in (8..<48).contains { both.color(x: $0, y: y) == .black } })
    let plain = try sideBySide([Panel("", left), Panel("", left)], gap: 8)
    #expect(plain.height == 46 && plain.channels == 1)
  }
}

struct PanelTests {
  @Test func panelsAreArrangedInRows() throws {
    let sizes = [(30, 20), (50, 10), (10, 10), (20, 40)]
    let parts = sizes.enumerated().map { index, size in
      Panel("", Bitmap(width: size.0, height: size.1, channels: 1, fill: UInt8(10 * index)))
    }
    let all = try panels(parts, columns: 2, gap: 4)
    // Columns are 30 and 50 wide, rows 20 and 40 high.
    #expect(all.width == 4 + 30 + 4 + 50 + 4 && all.height == 4 + 20 + 4 + 40 + 4)
    for (x, y, level) in [(4, 4, 0), (38, 4, 10), (14, 28, 20), (53, 67, 30), (13, 28, 255)] {
      #expect(all.color(x: x, y: y) == Color(grey: UInt8(level)))
    }
    let titled = try panels(parts, columns: 2, title: "ab", gap: 4)
    #expect(titled.height == all.height + 20)
    let one = try panels(parts, columns: 9, gap: 4)
    #expect(try one == sideBySide(parts, gap: 4))
  }
}
