import Diffusion
import TensorCore

extension NoiseSchedule {
  /// The families of schedules.
  public enum Kind: String, CaseIterable, Sendable {
    /// β_t² = 0.02 t / T (Su).
    case su
    /// β_t² from 1e-4 to 0.02 in equal steps (Ho et al. 2020, §4).
    case linear
    /// ᾱ_t² = cos²((t/T + s)/(1 + s) π/2) over its value at t = 0, s = 0.008 (Nichol and Dhariwal
    /// 2021, eq. 17).
    case cosine
    /// β̄_t/ᾱ_t from 0.002 to 80, its seventh root linear in t (Karras et al. 2022, eq. 5).
    case edm
  }

  /// Creates the schedule of a family with `times` times.
  ///
  /// The formulas of `su` and `linear` are for T = 1000; for another T, the variances β_t² are
  /// scaled by 1000 / T, so that x_T retains about as little of the data. No variance
  /// exceeds 0.999.
  ///
  /// - Throws: `TensorError` for fewer than 10 times or more than 100,000.
  public init(_ kind: Kind, times: Int) throws {
    if kind == .edm {
      try self.init(along: .edm(), times: times)
      return
    }
    try Self.check(times: times)
    let scale = 1000 / Double(times)
    func angle(_ t: Int) -> Double { (Double(t) / Double(times) + 0.008) / 1.008 * .pi / 2 }
    func cosine(_ t: Int) -> Double {
      // 1 - cos²b/cos²a = sin(b - a) sin(b + a)/cos²a, which does not cancel.
      let (a, b) = (angle(t - 1), angle(t))
      return (b - a).sine * (b + a).sine / (a.cosine * a.cosine)
    }
    func linear(_ t: Int) -> Double {
      1e-4 + (0.02 - 1e-4) * Double(t - 1) / Double(times - 1)
    }
    let variances: [Double] = (1...times).map { t in
      let variance: Double =
        switch kind {
        case .su: 0.02 * scale * Double(t) / Double(times)
        case .linear: scale * linear(t)
        case .cosine: cosine(t)
        case .edm: 0.0
        }
      return min(variance, 0.999)
    }
    try self.init(variances: variances)
  }
}
