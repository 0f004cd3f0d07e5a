import Images
import Support
import Testing

struct ColorMapTests {
  @Test(arguments: [ColorMap.paper]) func lightnessIsMonotone(map: ColorMap) {
    let lightness = map.colors.map { OKLab($0).lightness }
    let step = (lightness[255] - lightness[0]) / 255
    for (index, value) in lightness.enumerated() {
      // Levels of 8 bits are a part in a hundred apart where it is dark.
      #expect(abs(value - lightness[0] - step * Double(index)) < 0.006, "\(index)")
      if index > 0 { #expect((value - lightness[index - 1]) * step > 0, "\(index)") }
    }
    #expect(abs(step) * 255 > 0.7)
    #expect(Set(map.colors.map { "\($0)" }).count == 256)
  }

  @Test(arguments: [ColorMap.paper]) func whatIsMissingIsFarFromEveryColor(map: ColorMap) {
    let missing = OKLab(map.missing)
    for color in map.colors {
      let other = OKLab(color)
      let (dl, da, db) = (
        missing.lightness - other.lightness, missing.a - other.a, missing.b - other.b
      )
      #expect((dl * dl + da * da + db * db).squareRoot() > 0.1)
    }
  }

  @Test func endsAndOutside() {
    let map = ColorMap.paper
    #expect(map.color(at: -1) == map.colors[0] && map.color(at: 0) == map.colors[0])
    #expect(map.color(at: 1) == map.colors[255] && map.color(at: .infinity) == map.colors[255])
    #expect(map.color(at: 100 / 255.0) == map.colors[100])
  }

  @Test func okLab() {
    // The reference values of the article's matrices, to their digits.
    let table: [(Color, Double, Double, Double)] = [
      (.white, 1, 0, 0), (.black, 0, 0, 0), (Color(255, 0, 0), 0.628, 0.225, 0.126),
      (Color(0, 255, 0), 0.866, -0.234, 0.179), (Color(0, 0, 255), 0.452, -0.032, -0.312),
    ]
    for (color, lightness, a, b) in table {
      let lab = OKLab(color)
      #expect(abs(lab.lightness - lightness) < 1e-3)
      #expect(abs(lab.a - a) < 1e-3 && abs(lab.b - b) < 1e-3)
    }
    for level in stride(from: 0, through: 255, by: 5) {
      let color = Color(UInt8(level), UInt8(255 - level), UInt8(level / 2))
      #expect(OKLab(color).color == color)
    }
  }
}

struct HeatMapTests {
  static func grid(_ values: [Double], rows: Int, columns: Int) throws -> Grid {
    try Grid(values, rows: rows, columns: columns, xRange: -3...3, yRange: 0...4)
  }

  /// The colour at the middle of each cell, in the order of the values.
  static func colors(_ heat: Heat) throws -> [Color] {
    let bitmap = try heatMap(heat)
    let axes = try heatMapAxes(heat)
    let grid = heat.grid
    return Grid.middles(
      rows: grid.rows, columns: grid.columns, xRange: grid.xRange, yRange: grid.yRange
    ).map {
      let (x, y) = axes.position(x: $0.x, y: $0.y)
      return bitmap.color(x: Int(x), y: Int(y))
    }
  }

  @Test(arguments: [ColorMap.paper]) func cellsAreWhereTheyBelong(map: ColorMap) throws {
    let heat = Heat(
      try Self.grid([0, 1, 2, 3, .nan, 5], rows: 2, columns: 3), label: "value", colors: map)
    let expected = [0, 1, 2, 3, .nan, 5].map { $0.isNaN ? map.missing : map.color(at: $0 / 5) }
    #expect(try Self.colors(heat) == expected)
  }

  @Test func rangesAndLogarithms() throws {
    let map = ColorMap.paper
    let values = [-1, 0, 1, 10, 100, .infinity]
    let table: [(range: ClosedRange<Double>?, logarithmic: Bool, fractions: [Double?])] = [
      (0...10, false, [0, 0, 0.1, 1, 1, nil]), (1...100, true, [nil, 0, 0, 0.5, 1, nil]),
      (nil, true, [nil, 0, 0, 0.5, 1, nil]), (0.01...100, true, [nil, 0, 0.5, 0.75, 1, nil]),
    ]
    for (range, logarithmic, fractions) in table {
      let grid = try Self.grid(values, rows: 3, columns: 2)
      let heat = Heat(grid, range: range, isLogarithmic: logarithmic)
      let expected = fractions.map { $0.map(map.color) ?? map.missing }
      #expect(try Self.colors(heat) == expected)
    }
  }

  @Test func sixDecadesAtMost() throws {
    let grid = try Self.grid([1e-30, 1e-6, 1e-3, 1], rows: 2, columns: 2)
    let map = ColorMap.paper
    #expect(
      try Self.colors(Heat(grid, isLogarithmic: true)) == [0, 0, 0.5, 1].map(map.color))
  }

  @Test func unitsAreEqual() throws {
    let axes = try heatMapAxes(Heat(try Self.grid([1], rows: 1, columns: 1)))
    #expect(axes.x.range == -3...3 && axes.y.range == 0...4)
    #expect(abs(Double(axes.frame.height) - Double(axes.frame.width) * 4 / 6) <= 0.5)
    let long = try Grid([1], rows: 1, columns: 1, xRange: 0...80, yRange: 0...1)
    #expect(try heatMapAxes(Heat(long)).y.range == -9.5...10.5)
  }

  @Test func pointsLieOnTop() throws {
    let heat = Heat(try Self.grid([0, 1], rows: 1, columns: 2))
    let points = [Series("", [(x: 1.5, y: 3)])]
    let (x, y) = try heatMapAxes(heat, points: points).position(x: 1.5, y: 3)
    let bitmap = try heatMap(heat, points: points)
    #expect(bitmap.color(x: Int(x), y: Int(y)) == ColorMap.paper.overlay)
    #expect(try bitmap == heatMap(heat, points: points))
  }

  @Test func remarksAndEndsOfTheBar() throws {
    func picture(_ values: [Double]) throws -> Bitmap {
      try heatMap(
        Heat(try Self.grid(values, rows: 1, columns: 2), range: 0...1, showsBar: true))
    }
    let inside = try picture([0, 1])
    #expect(try picture([0, 2]) != inside && picture([-1, 1]) != inside)
    #expect(try picture([0, .nan]).height > inside.height)
  }
}

struct VectorFieldTests {
  static let range = -1.0...1.0

  /// Darkness of the pixels at points of the plane, for a field of one cell over -1...1.
  static func dark(
    _ vector: [Double], _ length: ArrowLength, longest: Double? = nil,
    at points: [(x: Double, y: Double)]
  ) throws -> [Bool] {
    let grid = try Grid([0], rows: 1, columns: 1, xRange: range, yRange: range)
    let axes = try heatMapAxes(Heat(grid, showsBar: false))
    let bitmap = try vectorField(
      try VectorGrid(vector, rows: 1, columns: 1, xRange: range, yRange: range), length: length,
      longest: longest, showsLegend: false)
    return points.map {
      let (x, y) = axes.position(x: $0.x, y: $0.y)
      return bitmap.color(x: Int(x), y: Int(y)).luminance < 100
    }
  }

  @Test func arrowsPointTheirWay() throws {
    for (dx, dy) in [(1.0, 0.0), (0, 1), (-1, 0), (0, -1)] {
      // Along the shaft, off it, and to the side of the head.
      let points = [0.85, -0.85, 0.95, -0.95].map { (x: $0 * dx, y: $0 * dy) }
      #expect(
        try Self.dark([3 * dx, 3 * dy], .proportional, at: points)
          == [true, true, false, false])
      let sides = [0.87, -0.87].map { (x: $0 * dx + 0.007 * dy, y: $0 * dy + 0.007 * dx) }
      #expect(try Self.dark([dx, dy], .equal, at: sides) == [true, false])
    }
  }

  @Test func lengthsFollowTheRule() throws {
    let points = [(x: 0.1, y: 0.0), (0.4, 0.0), (0.8, 0.0)]
    let table: [(length: ArrowLength, expected: [Bool])] = [
      (.proportional, [true, false, false]), (.squareRoot, [true, true, false]),
      (.equal, [true, true, true]),
    ]
    for (length, expected) in table {
      #expect(try Self.dark([0.25, 0], length, longest: 1, at: points) == expected)
    }
    #expect(try Self.dark([7, 0], .proportional, longest: 1, at: points) == [true, true, true])
    #expect(
      try Self.dark([0, 0], .equal, at: [(0.0, 0.0), (0.1, 0.0)]) == [true, false], "a dot")
  }

  @Test func whatIsNotFiniteIsACross() throws {
    func picture(_ value: Double) throws -> Bitmap {
      try vectorField(
        try VectorGrid([1, 0, value, 0], rows: 1, columns: 2, xRange: Self.range, yRange: 0...1))
    }
    #expect(PlotTests.count(.red, in: try picture(1)) == 0)
    #expect(PlotTests.count(.red, in: try picture(.nan)) > 300)
    #expect(try picture(.infinity) == picture(.nan))
  }

  @Test func arrowsAreLightOnDark() throws {
    let heat = Heat(
      try Grid([0, 1], rows: 1, columns: 2, xRange: -1...1, yRange: 0...1), showsBar: false)
    let bitmap = try vectorField(
      try VectorGrid([1, 0, 1, 0], rows: 1, columns: 2, xRange: -1...1, yRange: 0...1),
      over: heat, showsLegend: false)
    let axes = try heatMapAxes(heat)
    let levels = [-0.5, 0.5].map { x in
      let place = axes.position(x: x, y: 0.5)
      return bitmap.color(x: Int(place.x), y: Int(place.y)).luminance
    }
    #expect(levels == [25, 250])
  }
}

struct TrajectoryTests {
  @Test func linesRunFromRingToDot() throws {
    let window = -1.0...1.0
    let paths = [[(x: -0.5, y: -0.5), (x: 0.5, y: -0.5), (x: 0.5, y: 0.5)]]
    let grid = try Grid([0], rows: 1, columns: 1, xRange: window, yRange: window)
    let heat = Heat(grid, showsBar: false)
    let bitmap = try trajectories(paths, background: heat, color: .blue, startColor: .green)
    // A legend of one row stands above both.
    let axes = try heatMapAxes(heat, points: [Series("name", [])])
    func color(_ x: Double, _ y: Double) -> Color {
      let place = axes.position(x: x, y: y)
      return bitmap.color(x: Int(place.x), y: Int(place.y))
    }
    #expect(color(0.5, 0.5) == .blue)
    #expect(color(-0.5, -0.5) == .white)
    for (x, y) in [(0.0, -0.5), (0.5, 0.0)] { #expect(color(x, y).blue > color(x, y).red) }
    #expect(color(0, 0) == ColorMap.paper.color(at: 0.5))
    #expect(PlotTests.count(.green, in: bitmap) > 10)
  }

  @Test func stagesBecomePaths() throws {
    let paths = try paths(stages: [[1, 2, 3, 4], [5, 6, 7, 8]])
    #expect(paths.map { $0.map(\.x) } == [[1, 5], [3, 7]])
    #expect(paths.map { $0.map(\.y) } == [[2, 6], [4, 8]])
    let thrown = #expect(throws: FigmentError.self) { try Images.paths(stages: [[1, 2], [3]]) }
    #expect(thrown?.description == "stage 1 of the paths has 1 numbers, not 2")
  }

  @Test func gapsAndStraysAreSaid() throws {
    func picture(_ end: Double) throws -> Bitmap {
      try trajectories([[(x: 0, y: 0), (x: end, y: 0)]], xRange: -1...1, yRange: -1...1)
    }
    #expect(PlotTests.count(.red, in: try picture(0.5)) == 0)
    #expect(PlotTests.count(.red, in: try picture(.nan)) >= 200)
    #expect(
      PlotTests.count(.black, in: try picture(9))
        > PlotTests.count(.black, in: try picture(0.5)) + 100)
  }
}

struct PlaneMistakeTests {
  @Test func invalidArgumentsThrow() {
    let unit = 0.0...1.0
    let table: [(make: () throws -> Void, message: String)] = [
      (
        { _ = try Grid([1.0, 2], rows: 1, columns: 3, xRange: unit, yRange: unit) },
        "2 values do not make a grid of 1 x 3"
      ),
      (
        { _ = try Grid([Float](), rows: 0, columns: 3, xRange: unit, yRange: unit) },
        "a grid cannot have 0 rows and 3 columns"
      ),
      (
        { _ = try Grid([1.0], rows: 1, columns: 1, xRange: 1...1, yRange: unit) },
        "the range 1.0...1.0 is no side of a grid"
      ),
      (
        { _ = try VectorGrid([1.0], rows: 1, columns: 1, xRange: unit, yRange: unit) },
        "1 numbers are no whole number of vectors (x, y)"
      ),
      (
        {
          let grid = try Grid([1.0], rows: 1, columns: 1, xRange: unit, yRange: unit)
          _ = try heatMap(Heat(grid, range: 0...1, isLogarithmic: true))
        }, "the range 0.0...1.0 is no logarithmic axis"
      ),
      (
        {
          let grid = try VectorGrid([1.0, 1], rows: 1, columns: 1, xRange: unit, yRange: unit)
          _ = try vectorField(grid, longest: .nan)
        }, "the length nan is none that the longest arrow can stand for"
      ),
      (
        { _ = try panels([Panel("", Bitmap(width: 1, height: 1, channels: 1))], columns: 0) },
        "panels cannot have 0 columns, a gap of 12 and a text scale of 2"
      ),
      ({ _ = try lineCharts([]) }, "a stack needs at least one chart"),
      (
        { _ = try lineCharts([LineChart("", [])], frameHeight: 49) },
        "a frame cannot be 49 pixels high; expected 50 to 10000"
      ),
    ]
    for (make, message) in table {
      let thrown = #expect(throws: FigmentError.self) { try make() }
      #expect(thrown?.description == message)
    }
  }

  /// Extreme numbers are drawn, too.
  @Test(arguments: [
    [0.0, 0], [1e308, -1e308], [.nan, .nan], [.infinity, 1], [0, .leastNonzeroMagnitude],
  ])
  func strangeNumbersHavePictures(values: [Double]) throws {
    for logarithmic in [false, true] {
      let grid = try Grid(values, rows: 1, columns: 2, xRange: 0...2, yRange: 0...1)
      _ = try heatMap(Heat(grid, isLogarithmic: logarithmic), size: 240)
    }
    let vectors = try VectorGrid(values, rows: 1, columns: 1, xRange: 0...1, yRange: 0...1)
    for length in [ArrowLength.proportional, .squareRoot, .equal] {
      _ = try vectorField(vectors, length: length, size: 240)
    }
    let points = values.map { (x: $0, y: -$0) }
    _ = try trajectories([points, [], [points[0]]], size: 240)
    _ = try lineChart([Series("", points)], isSmoothed: true, width: 240, height: 240)
  }
}
