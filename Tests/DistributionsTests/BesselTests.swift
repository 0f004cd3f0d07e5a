import CKernels
import Distributions
import Glibc
import Testing

/// Ambient d, κ, KL and A to four decimals.
private let published: [(Int, Double, String, String)] = [
  (2, 1, ".2105", ".4464"), (3, 1, ".1516", ".3130"), (3, 5, "1.3031", ".8001"),
  (4, 20, "3.2584", ".9260"), (6, 1, ".0808", ".1633"), (6, 20, "4.0235", ".8799"),
  (11, 1, ".0450", ".0903"), (11, 20, "4.8510", ".7760"), (11, 50, "8.8077", ".9041"),
  (21, 1, ".0237", ".0475"), (21, 50, "11.3299", ".8182"), (41, 26, "5.5415", ".4878"),
  (41, 185, "33.0368", ".8975"), (50, 80, "19.5152", ".7383"), (25, 100, "18.8025", ".8866"),
  (50, 150, "31.6003", ".8495"),
]

private func fourDecimals(_ value: Double) -> String {
  let units = Int((value * 10000).rounded())
  let decimals = String(units % 10000 + 10000).dropFirst()
  return (units < 10000 ? "" : String(units / 10000)) + "." + decimals
}

@Suite struct BesselTests {
  /// Moments agree with the table; the documented error is 1e-10 max(1, |value|).
  ///
  /// The test bounds the relative error even of small values; 5e-13 is about eight times the
  /// measured error.
  @Test func momentsAgainstTable() {
    let table = rows(of: besselTable)
    #expect(table.count > 350)
    for row in table {
      let (d, k) = (row[0], row[1])
      let moments = fk_vmf(d, k)
      let found = [
        ("log I", fk_log_bessel_i(d / 2 - 1, k)), ("K", moments.cumulant), ("A", moments.ratio),
        ("1 - A", moments.complement), ("A'", moments.slope), ("A''", moments.curvature),
        ("KL", moments.divergence),
      ]
      for (i, (name, value)) in found.enumerated() {
        // log I crosses zero.
        let floor = name == "log I" ? 1.0 : 0.0
        #expect(error(value, row[2 + i], floor: floor) < 5e-13, "\(name) at d = \(d), κ = \(k)")
      }
      #expect(fk_bessel_ratio(d / 2 - 1, k) == moments.ratio)
      #expect(error(k + moments.excess, moments.cumulant, floor: k) < 1e-14)
    }
  }

  @Test(arguments: published.indices) func publishedValues(_ i: Int) throws {
    let (d, k, divergence, length) = published[i]
    let moments = try VonMisesFisher.Moments(dimension: d, concentration: k)
    #expect(fourDecimals(moments.divergenceToUniform) == divergence)
    #expect(fourDecimals(moments.length) == length)
  }

  /// A = coth κ - 1/κ and KL = κ coth κ - 1 + ln κ - ln sinh κ at d = 3; d = 1 is two points.
  @Test(arguments: [0.3, 1, 2, 7.5, 20]) func elementaryOrders(k: Double) {
    let three = fk_vmf(3, k)
    #expect(error(three.ratio, 1 / tanh(k) - 1 / k) < 1e-13)
    #expect(error(three.divergence, k / tanh(k) - 1 + log(k / sinh(k))) < 1e-12)
    let one = fk_vmf(1, k)
    #expect(error(one.ratio, tanh(k)) < 1e-13)
    #expect(error(one.slope, 1 / cosh(k) / cosh(k), floor: 1) < 1e-15)
    #expect(error(fk_log_bessel_i(0.5, k), 0.5 * log(2 / (.pi * k)) + log(sinh(k))) < 1e-13)
  }

  /// dKL/dκ = κ A', A' = dA/dκ and A'' = dA'/dκ, by central differences.
  @Test(arguments: [2.0, 3, 7, 40, 63, 64, 65, 500], [0.02, 0.9, 4.1, 31, 250, 4000])
  func derivatives(d: Double, k: Double) {
    let h = 1e-4 * k
    let (low, at, high) = (fk_vmf(d, k - h), fk_vmf(d, k), fk_vmf(d, k + h))
    // The differences' own error is h² f'''/6, some 1e-8 of f', and rounding over h.
    let differences = [
      ("K - κ", low.excess, high.excess, -at.complement),
      ("A", -low.complement, -high.complement, at.slope),
      ("A'", low.slope, high.slope, at.curvature),
      ("KL", low.divergence, high.divergence, k * at.slope),
    ]
    for (name, below, above, expected) in differences {
      let tolerance = 1e-7 * abs(expected) + 1e-15 * (abs(below) + abs(above)) / h
      #expect(abs((above - below) / (2 * h) - expected) <= tolerance * 4, "\(name)")
    }
  }

  @Test func limitsAndErrors() {
    for d in [1.0, 2, 3, 10, 1000] {
      let zero = fk_vmf(d, 0)
      #expect(zero.ratio == 0 && zero.complement == 1 && zero.curvature == 0)
      #expect(zero.divergence == 0 && zero.cumulant == 0)
      #expect(error(zero.slope, 1 / d) < 1e-14)
      for k in [.leastNonzeroMagnitude, 1e-300, 1e-20, 1e9, 1e12] {
        let moments = fk_vmf(d, k)
        let all = [
          moments.cumulant, moments.excess, moments.ratio, moments.complement, moments.slope,
          moments.curvature, moments.divergence,
        ]
        #expect(all.allSatisfy { $0.isFinite }, "\(d) \(k) \(all)")
        #expect(d < 2 || moments.slope >= 0 && moments.curvature <= 0)
        #expect(moments.divergence >= 0)
      }
    }
    #expect(fk_log_bessel_i(0, 0) == 0)
    #expect(fk_log_bessel_i(1, 0) == -.infinity)
    for (v, x) in [(-1.0, 1.0), (0, -1), (0, .nan), (.nan, 1), (0, 1e13), (1e10, 1)] {
      #expect(fk_log_bessel_i(v, x).isNaN && fk_bessel_ratio(v, x).isNaN)
    }
    #expect(fk_vmf(2, -1e-300).ratio.isNaN && fk_vmf(0.5, 1).ratio.isNaN)
  }

  /// 2 π, 4 π and 2 π².
  @Test func areas() {
    #expect(error(fk_log_sphere_area(2), log(2 * .pi)) < 1e-15)
    #expect(error(fk_log_sphere_area(3), log(4 * .pi)) < 1e-15)
    #expect(error(fk_log_sphere_area(4), log(2 * .pi * .pi)) < 1e-15)
  }
}

@Suite struct NormalTailTests {
  /// erfc's argument is rounded, which costs x² units in the last place of Φ.
  @Test func againstTable() {
    for row in rows(of: normalTable) {
      let x = row[0]
      #expect(error(fk_log_ndtr(x), row[1]) < 1e-13 * max(1, x > 0 ? x * x : 1), "\(x)")
      #expect(error(fk_log_ndtr_slope(x), row[2]) < 1e-13 * max(1, x > 0 ? x * x : 1), "\(x)")
      #expect(error(fk_log_ndtr_curvature(x), row[3]) < 1e-10, "\(x)")
    }
  }

  @Test func infinities() {
    #expect(fk_log_ndtr(.infinity) == 0 && fk_log_ndtr(-.infinity) == -.infinity)
    #expect(fk_log_ndtr_slope(.infinity) == 0 && fk_log_ndtr_curvature(.infinity) == 0)
    #expect(fk_log_ndtr_curvature(-.infinity) == -1)
    #expect(fk_log_ndtr(.nan).isNaN && fk_log_ndtr_slope(.nan).isNaN)
    #expect(fk_log_ndtr_curvature(-1e160).isFinite && fk_log_ndtr_slope(-1e160) == 1e160)
  }
}
