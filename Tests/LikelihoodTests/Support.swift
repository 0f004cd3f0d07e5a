import TensorCore
import VAE

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// x = W z + b + σ ε with one latent dimension and a posterior that is not the best one.
struct LinearModel {
  let w = [0.8, -0.5]
  let b = [0.3, -0.2]
  let deviation = 0.6

  func runtime() throws -> Runtime {
    let runtime = try Runtime(seed: 11, threads: 2)
    func set(_ name: String, _ shape: [Int], _ values: [Double]) throws {
      try runtime.restore(variable: "vae/" + name, shape: shape, values.map { Float($0) })
    }
    try set("posterior/mean/weight", [2, 1], [0.4, 0.1])
    try set("posterior/mean/bias", [1], [0.2])
    try set("posterior/logVariance/weight", [2, 1], [0, 0])
    try set("posterior/logVariance/bias", [1], [log(0.5)])
    try set("decoder/output/weight", [1, 2], w)
    try set("decoder/output/bias", [2], b)
    return runtime
  }

  func model() throws -> VAE {
    try VAE(
      shape: [2], network: Network(hidden: []), latent: .gaussian(dimension: 1),
      likelihood: .gaussian(deviation: deviation), Parameters("vae"))
  }

  /// log N(x; b, W Wᵀ + σ² 1), the inverse by Sherman and Morrison.
  func logDensity(_ x: [Double]) -> Double {
    let s2 = deviation * deviation
    let square = w.map { $0 * $0 }.reduce(0, +)
    let d = zip(x, b).map { $0 - $1 }
    let along = zip(w, d).map(*).reduce(0, +)
    let form = (d.map { $0 * $0 }.reduce(0, +) - along * along / (s2 + square)) / s2
    return -log(2 * .pi) - 0.5 * log(s2 * (s2 + square)) - form / 2
  }
}

/// Numbers for tests (SplitMix64): the same in every run.
struct Numbers: RandomNumberGenerator {
  private var state: UInt64

  init(seed: Int) { state = UInt64(truncatingIfNeeded: seed) &* 0xD134_2543_DE82_EF95 }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func normal() -> Double {
    let u = Double.random(in: Double.leastNormalMagnitude..<1, using: &self)
    return (-2 * log(u)).squareRoot() * cos(2 * .pi * Double.random(in: 0..<1, using: &self))
  }

  /// `count` numbers that Float can hold, normal with a deviation.
  mutating func normals(_ count: Int, deviation: Double = 1) -> [Double] {
    (0..<count).map { _ in Double(Float(deviation * normal())) }
  }
}
