import Likelihood
import Support
import TensorCore
import Testing

@Suite struct StatisticTests {
  /// The jackknife of a mean that leaves out one at a time is the standard error of the mean.
  @Test func jackknifeOfAMean() {
    let values = [1.0, 4, -2, 7.5, 3, 3]
    let parts = values.indices.map { out in
      values.indices.filter { $0 != out }.reduce(0) { $0 + values[$1] } / 5
    }
    let whole = Statistic(values)
    let found = Statistic(jackknife: whole.mean, leavingOut: parts, count: 6)
    #expect(found.mean == whole.mean && found.count == 6)
    #expect(abs(found.standardError - whole.standardError) < 1e-12)
    #expect(Statistic(jackknife: 1, leavingOut: [2], count: 3).standardError.isNaN)
  }
}
