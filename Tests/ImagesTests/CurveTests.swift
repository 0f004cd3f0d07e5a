import Images
import Testing

struct CurveTests {
  static func noisy(_ name: String, count: Int = 400) -> Series {
    let points: [(x: Double, y: Double)] = (0..<count).map { index in
      let noise = Double(index * 7919 % 101) / 100
      return (x: Double(index), y: 2 + noise)
    }
    return Series(name, points)
  }

  @Test func runningMeanKeepsLevelAndSlope() {
    let mean = runningMean((0..<800).map { 5 + 0.5 * Double($0) })
    #expect(mean[0] == 5)
    for index in 0..<780 { #expect(abs(mean[index] - 5 - 0.5 * Double(index)) < 1e-9) }
    #expect(runningMean([3]) == [3] && runningMean([]) == [])
    let noise = (0..<800).map { $0 % 2 == 0 ? 1.0 : -1 }
    // Ten values to either side: 21 of them add up to one.
    for value in runningMean(noise)[20..<780] { #expect(abs(value) < 0.06) }
  }

  /// Between two counts there is nothing to mark.
  @Test(arguments: [[0.0, 1], [7, 8], [0, 8], [8], [3, 3], [0, 1, 2], [1, 30_000], [-2, 1]])
  func wholeNumbersHaveWholeTicks(_ values: [Double]) {
    for count in 2...12 {
      let ticks = Scale(covering: values, room: 0.04).ticks(atMost: count)
      #expect(!ticks.isEmpty)
      #expect(ticks.allSatisfy { $0.value == $0.value.rounded() }, "\(values) \(ticks)")
    }
    // One that is no whole number brings the others back.
    let some = Scale(covering: [0, 0.5, 1], room: 0).ticks(atMost: 12)
    #expect(some.contains { $0.value != $0.value.rounded() })
  }

  /// All curves of a chart are smoothed over the same window along its axis.
  @Test func curvesOfOneChartAreSmoothedByOneWindow() throws {
    func series(_ count: Int, every: Double) -> Series {
      Series("\(count)", (0..<count).map { (x: Double($0) * every, y: Double($0 % 2)) })
    }
    // Ten points of 1 to either side; of a curve of every tenth step that is one.
    #expect(smoothingReach([series(800, every: 1)]) == 10)
    #expect(smoothingReach([series(800, every: 1), series(80, every: 1)]) == 10)
    #expect(smoothingReach([series(800, every: 1), series(80, every: 10)]) == 10)
    #expect(smoothingReach([series(800, every: 1), series(800, every: 10)]) == 100)
    #expect(smoothingReach([series(39, every: 1)]) == nil)
    // The short one alone would be smoothed over three points, here over 21.
    let noise = (0..<80).map { $0 % 2 == 0 ? 1.0 : -1 }
    #expect(abs(runningMean(noise)[40]) > 0.1)
    #expect(abs(runningMean(noise, half: 10)[40]) < 0.06)
  }

  @Test func minorLinesDivideDecades() {
    let scale = Scale(0.5...30, isLogarithmic: true)
    #expect(
      scale.minorLines(pixels: 400) == [0.5, 0.6, 0.7, 0.8, 0.9]
        + (1...9).map(Double.init) + [10, 20, 30])
    let wide = Scale(1e-12...1, isLogarithmic: true)
    #expect(wide.minorLines(pixels: 180).count == 13)
    #expect(Scale(0.5...30).minorLines(pixels: 400).isEmpty)
    #expect(Scale(0.05...9, isLogarithmic: true).ticks(atMost: 5).map(\.label) == ["0.1", "1"])
  }

  @Test func smoothingIsBoldOverFaint() throws {
    let raw = try lineChart([Self.noisy("")])
    let smooth = try lineChart([Self.noisy("")], isSmoothed: true)
    #expect(raw != smooth)
    // The mean is one line across the frame, the raw line goes up and down all over it.
    let (bold, all) = (PlotTests.count(.blue, in: smooth), PlotTests.count(.blue, in: raw))
    #expect(bold > 500 && bold < all)
    let few = Self.noisy("", count: 10)
    #expect(try lineChart([few], isSmoothed: true) == lineChart([few]))
  }

  @Test func stackSharesItsHorizontalAxis() throws {
    let loss = LineChart("loss", [Self.noisy("a"), Self.noisy("b")], isLogarithmic: true)
    var rate = LineChart("rate", [Self.noisy("b")])
    rate.series[0].points = rate.series[0].points.map { (x: $0.x, y: 1e6 * $0.y) }
    let stack = try lineCharts([loss, rate, loss], labels: Labels(title: "t", x: "step"))
    let two = try lineCharts([loss, rate], labels: Labels(title: "t", x: "step"))
    #expect(stack.width == 900 && stack.height > two.height + 180)
    // The left edges of the frames, which are the longest dark lines that go down.
    let edges = (0..<stack.width).filter { x in
      (0..<stack.height).count { stack.color(x: x, y: $0) == Color(grey: 110) } >= 3 * 180
    }
    #expect(edges.count == 2)
    #expect(try lineCharts([loss, rate, loss], labels: Labels(title: "t", x: "step")) == stack)
  }

  @Test func oneColorForOneName() throws {
    let runs = (0..<8).map { Self.noisy("run \($0)") }
    let stack = try lineCharts([LineChart("loss", runs), LineChart("rate", [runs[7]])])
    for index in 0..<8 { #expect(PlotTests.count(.series(index), in: stack) >= 200) }
    let alone = try lineCharts([LineChart("rate", [runs[7]])])
    #expect(PlotTests.count(.series(7), in: alone) == 0, "the first name has the first colour")
    #expect(Set((0..<8).map { "\(Color.series($0))" }).count == 8)
  }

  @Test func gapsAreSaidOnceForEachChart() throws {
    var holed = Self.noisy("run")
    holed.points[3].y = .nan
    let whole = [LineChart("loss", [Self.noisy("run")]), LineChart("rate", [Self.noisy("run")])]
    let broken = [LineChart("loss", [holed]), LineChart("rate", [holed])]
    let black = Color.black
    #expect(
      PlotTests.count(black, in: try lineCharts(broken))
        > PlotTests.count(black, in: try lineCharts(whole)) + 300)
  }
}
