import Images
import Support
import Testing

struct ScaleTests {
  @Test func ticksAreRound() {
    let table: [(range: ClosedRange<Double>, logarithmic: Bool, count: Int, labels: [String])] = [
      (0...1, false, 6, ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
      (-2.6...2.6, false, 6, ["-2", "-1", "0", "1", "2"]),
      (0...50_000, false, 6, ["0", "10000", "20000", "30000", "40000", "50000"]),
      (0...3e6, false, 4, ["0", "1e6", "2e6", "3e6"]),
      (0...0.0003, false, 4, ["0", "1e-4", "2e-4", "3e-4"]),
      (1...1.5, false, 6, ["1", "1.1", "1.2", "1.3", "1.4", "1.5"]),
      (99.98...100.02, false, 3, ["99.98", "100", "100.02"]),
      (0...1.5e6, false, 4, ["0", "500000", "1e6", "1.5e6"]),
      (0.001...10, true, 6, ["0.001", "0.01", "0.1", "1", "10"]),
      (0.02...0.9, true, 6, ["0.02", "0.05", "0.1", "0.2", "0.5"]),
      (1e-6...1e6, true, 5, ["1e-6", "0.001", "1", "1000", "1e6"]),
      (2...3, true, 6, ["2", "2.2", "2.4", "2.6", "2.8", "3"]),
    ]
    for (range, logarithmic, count, labels) in table {
      let ticks = Scale(range, isLogarithmic: logarithmic).ticks(atMost: count)
      #expect(ticks.map(\.label) == labels, "\(range)")
      for tick in ticks { #expect(Double(tick.label) == tick.value) }
    }
  }

  @Test(arguments: [
    0...0, 5...5, -Double.leastNonzeroMagnitude...Double.leastNonzeroMagnitude, -1e308...1e308,
    1e300...1e308,
    1...1.000_000_000_000_1,
  ])
  func extremeRangesHaveTicks(range: ClosedRange<Double>) {
    for logarithmic in [false, true] {
      let scale = Scale(range, isLogarithmic: logarithmic)
      #expect(scale.range.lowerBound < scale.range.upperBound)
      for count in 2...10 {
        let ticks = scale.ticks(atMost: count)
        #expect((1...10).contains(ticks.count), "\(scale), \(count)")
        for tick in ticks { #expect((-1e-6...1 + 1e-6).contains(scale.fraction(of: tick.value))) }
      }
    }
  }

  @Test func fractions() {
    let linear = Scale(-2...6)
    let decades = Scale(0.01...100, isLogarithmic: true)
    #expect([-2, 0, 6, 10].map(linear.fraction) == [0, 0.25, 1, 1.5])
    // log rounds.
    #expect(abs(decades.fraction(of: 1) - 0.5) < 1e-15)
    #expect(!decades.canRepresent(0) && !linear.canRepresent(.nan))
  }

  @Test func coveringIgnoresUnrepresentableValues() {
    let values: [Double] = [.nan, -1, 0, 1, 100, .infinity]
    #expect(Scale(covering: values, room: 0).range == -1...100)
    #expect(Scale(covering: values, isLogarithmic: true, room: 0).range == 1...100)
    #expect(Scale(covering: [], room: 0).range == -1...1)
  }
}

struct PlotTests {
  static let labels = Labels(title: "title", x: "x", y: "y")

  static func count(_ color: Color, in bitmap: Bitmap) -> Int {
    (0..<bitmap.height).reduce(0) { sum, y in
      sum + (0..<bitmap.width).count { bitmap.color(x: $0, y: y) == color }
    }
  }

  @Test(arguments: [(0.5, -1.25), (-2, 2), (0, 0), (1.9, 1.9)])
  func pointsAreDrawnAtTheirPositions(x: Double, y: Double) throws {
    let range = -2.5...2.5
    let empty = [Series("", [], color: .blue)]
    let one = [Series("", [(x, y)], color: .blue)]
    let axes = try scatterAxes(one, labels: Self.labels, xRange: range, yRange: range)
    let frame = axes.frame
    #expect(frame.width == frame.height, "equal units")
    let px = frame.x + Int((x + 2.5) / 5 * Double(frame.width))
    let py = frame.y + Int((2.5 - y) / 5 * Double(frame.height))
    let before = try scatter(empty, labels: Self.labels, xRange: range, yRange: range)
    let after = try scatter(one, labels: Self.labels, xRange: range, yRange: range)
    let middle = after.color(x: px, y: py)
    #expect(middle.blue > middle.red)
    for y in 0..<after.height {
      for x in 0..<after.width where abs(x - px) > 6 || abs(y - py) > 6 {
        #expect(after.color(x: x, y: y) == before.color(x: x, y: y), "(\(x), \(y))")
      }
    }
  }

  @Test func dataStayInsideTheFrame() throws {
    let points = [(x: 0.0, y: 0.0), (1, 1), (1e9, -1e9), (-3, 0.5), (.nan, 0), (0, .infinity)]
    let series = [Series("", points, color: .blue)]
    let axes = try scatterAxes(series, xRange: 0...1, yRange: 0...1)
    let bitmap = try scatter(series, xRange: 0...1, yRange: 0...1)
    let frame = axes.frame
    for y in 0..<bitmap.height {
      for x in 0..<bitmap.width {
        let color = bitmap.color(x: x, y: y)
        // The remark on points outside has a swatch above the frame.
        let isInside = (frame.x..<frame.maxX).contains(x) && y < frame.maxY
        #expect(isInside || color.blue == color.red || y < frame.y)
      }
    }
  }

  @Test func rangesHaveEqualUnits() throws {
    let axes = try scatterAxes([], xRange: -1...1, yRange: 0...6)
    #expect(axes.x.range == -3...3 && axes.y.range == 0...6)
    #expect(axes.frame.width == axes.frame.height)
  }

  @Test func remarksChangeTheLegend() throws {
    func picture(_ points: [(x: Double, y: Double)]) throws -> Bitmap {
      try scatter([Series("s", points)], xRange: 0...1, yRange: 0...1)
    }
    let inside = try picture([(0.5, 0.5)])
    #expect(try picture([(0.5, 0.5), (9, 9)]) != inside)
    #expect(try picture([(0.5, 0.5), (.nan, 9)]) != inside)
  }

  @Test func legendHasEverySeriesAndGrowsDownwards() throws {
    let few = try scatter([Series("a", [(0, 0)])])
    let many = try scatter((0..<6).map { Series("series number \($0)", [(0, 0), (1, 1)]) })
    #expect(many.height > few.height)
    for index in 0..<6 { #expect(Self.count(.series(index), in: many) >= 200) }
    let long = try scatter([Series(String(repeating: "word", count: 60), [(0, 0)])])
    #expect(long.height > many.height)
  }

  @Test func linesBreakAtUnrepresentablePoints() throws {
    func line(_ ys: [Double], logarithmic: Bool) throws -> Bitmap {
      let points = ys.enumerated().map { (x: Double($0), y: $1) }
      return try lineChart(
        [Series("", points, color: .blue)], xRange: 0...4, yRange: 1...10,
        logarithmicY: logarithmic)
    }
    for (hole, logarithmic) in [(Double.nan, false), (0, true), (.infinity, true)] {
      let whole = try line([5, 5, 5, 5, 5], logarithmic: logarithmic)
      let broken = try line([5, 5, hole, 5, 5], logarithmic: logarithmic)
      #expect(Self.count(.blue, in: broken) < Self.count(.blue, in: whole))
    }
  }

  @Test func equalArgumentsGiveEqualPictures() throws {
    let series = [Series("s", (0..<500).map { (x: Double($0), y: Double($0 * $0 % 37 + 1)) })]
    #expect(try scatter(series) == scatter(series))
    #expect(
      try lineChart(series, labels: Self.labels, logarithmicX: true)
        == lineChart(series, labels: Self.labels, logarithmicX: true))
  }

  @Test func interleavedNumbersArePairs() throws {
    let series = try Series("s", interleaved: [1, 2, 3, 4])
    #expect(series.points.map(\.x) == [1, 3] && series.points.map(\.y) == [2, 4])
    let thrown = #expect(throws: FigmentError.self) { try Series("s", interleaved: [1, 2, 3]) }
    #expect(thrown?.description == "3 numbers are no whole number of points (x, y)")
  }

  @Test func invalidArgumentsThrow() {
    let table: [(plot: () throws -> Bitmap, message: String)] = [
      ({ try scatter([], size: 50) }, "a plot cannot be smaller than 200 x 200 pixels"),
      (
        {
          try lineChart(
            [], labels: Labels(title: String(repeating: "title ", count: 200)), width: 200,
            height: 200)
        }, "200 x 200 pixels leave a plot no room for its data"
      ),
      (
        { try lineChart([], yRange: 0...1, logarithmicY: true) },
        "the range 0.0...1.0 is no logarithmic axis"
      ),
      ({ try scatter([], xRange: 1...1) }, "the range 1.0...1.0 is no axis"),
      ({ try scatter([], xRange: 0...(.infinity)) }, "the range 0.0...inf is no axis"),
    ]
    for (plot, message) in table {
      let thrown = #expect(throws: FigmentError.self) { try plot() }
      #expect(thrown?.description == message)
    }
  }
}
