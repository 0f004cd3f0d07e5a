import TensorCore

/// How samples are drawn.
public enum SamplingMethod: Equatable, Sendable {
  /// The reverse chain of Ho et al. 2020 (algorithm 2), with either of the variances of its §3.2.
  case ancestral(Variance)
  /// The implicit model of Song et al. 2021 (eq. 12 and 16): eta 0 adds no noise on the way, eta 1
  /// is the ancestral chain with the posterior variance.
  case ddim(eta: Double)

  /// What the deviation of x_{t-1} given x_t is taken to be; both are 0 in the last step.
  ///
  /// Where times are skipped, β_t and β̃_t are those of the whole stride.
  public enum Variance: String, CaseIterable, Sendable {
    /// σ_t = β_t: right for data of unit variance.
    case beta
    /// σ_t = β̃_t: right for data that are a single point.
    case posterior
  }
}

/// One step back in time: x_s = a x_t + b ε̂ + c z, where ε̂ is the estimated noise and z is fresh.
public struct ReverseStep: Equatable, Sendable {
  /// t, from T down to 1.
  public let time: Int
  /// s, the next step's t, or 0 at the end.
  public let next: Int
  /// The factor of x_t.
  public let a: Double
  /// The factor of the estimated noise.
  public let b: Double
  /// The factor of fresh noise, which is the deviation of x_s given x_t.
  public let c: Double
}

extension NoiseSchedule {
  /// The times that a sampler of `steps` steps visits: T first, 0 last, `steps` + 1 in all, spaced
  /// as evenly as whole numbers can be.
  ///
  /// - Throws: `TensorError` unless steps is 1 ... T.
  public func visitedTimes(steps: Int) throws -> [Int] {
    guard (1...times).contains(steps) else {
      throw TensorError("a sampler takes 1 to \(times) steps, not \(steps)")
    }
    return (0...steps).reversed().map { ($0 * times * 2 + steps) / (2 * steps) }
  }

  /// The steps of a sampler, in the order they are taken.
  ///
  /// - Throws: `TensorError` unless steps is 1 ... T, and eta 0 ... 1.
  public func reverseSteps(_ method: SamplingMethod, steps: Int) throws -> [ReverseStep] {
    if case .ddim(let eta) = method, !(eta >= 0 && eta <= 1) {
      throw TensorError("eta is from 0 to 1, not \(eta)")
    }
    let visited = try visitedTimes(steps: steps)
    return zip(visited, visited.dropFirst()).map { t, s in
      switch method {
      case .ancestral(let variance): ancestral(t, s, variance)
      case .ddim(let eta): ddim(t, s, eta)
      }
    }
  }

  // x_s = (x_t - β²/β̄_t ε̂)/α + σ z (Ho et al. 2020, algorithm 2), α and β of the stride.
  private func ancestral(_ t: Int, _ s: Int, _ variance: SamplingMethod.Variance) -> ReverseStep {
    let (alpha, beta) = stride(from: s, to: t)
    let sigma =
      switch variance {
      case .beta: s == 0 ? 0 : beta
      case .posterior: beta * betaBar[s] / betaBar[t]
      }
    return ReverseStep(
      time: t, next: s, a: 1 / alpha, b: -beta * beta / (betaBar[t] * alpha), c: sigma)
  }

  // x_s = ᾱ_s x̂_0 + sqrt(β̄_s² - σ²) ε̂ + σ z with x̂_0 = (x_t - β̄_t ε̂)/ᾱ_t (Song et al. 2021,
  // eq. 12), and σ = η β̃ (eq. 16).
  private func ddim(_ t: Int, _ s: Int, _ eta: Double) -> ReverseStep {
    let (alpha, beta) = stride(from: s, to: t)
    let sigma = eta * beta * betaBar[s] / betaBar[t]
    let rest = max(0, betaBar[s] * betaBar[s] - sigma * sigma).squareRoot()
    return ReverseStep(time: t, next: s, a: 1 / alpha, b: rest - betaBar[t] / alpha, c: sigma)
  }

  // α and β in x_t = α x_s + β ε. β² by recurrence: 1 - α² would cancel where the stride is short.
  private func stride(from s: Int, to t: Int) -> (alpha: Double, beta: Double) {
    var (signal, noise) = (1.0, 0.0)
    for i in s + 1...t {
      signal *= alpha[i]
      noise = noise * alpha[i] * alpha[i] + beta[i] * beta[i]
    }
    return (signal, noise.squareRoot())
  }
}

/// Draws samples at one fixed batch, so that a sample depends on its own seed alone.
///
/// At another batch the same seed may give other last digits: contractions are cut differently.
/// The draws are named by the programs `sample/start` and `sample/step`, and numbered by the time.
public final class Sampler {
  /// Samples drawn at once, a multiple of 4; requests are padded to it.
  public let batch: Int
  /// Floating-point operations of one step in matrix products and convolutions.
  public var flopsPerStep: Double { step.kernels.reduce(0) { $0 + $1.flops } }
  private let schedule: NoiseSchedule
  private let width: Int
  private let isClipped: Bool
  private let start, step: Program
  private let x, seeds, time, coefficients: Tensor
  private let begun, stepped: Tensor

  /// A sampler of a model.
  ///
  /// - Parameters:
  ///   - runtime: Where the weights are.
  ///   - batch: Samples drawn at once, at least 1; made a multiple of 4.
  ///   - averaged: Parameters to read from their moving averages.
  ///   - clip: The range to which the estimate of x_0 is clipped at each step, as in Ho et al.'s
  ///     code for images; the estimate of the noise is then the one that goes with it.
  /// - Throws: `TensorError` if the model's expressions are invalid.
  public init(
    _ model: DDPM, _ runtime: Runtime, batch: Int, averaged: [Variable] = [],
    clip: ClosedRange<Double>? = nil
  ) throws {
    // Contractions are cut into up to four slices of the batch. Slices of unequal size may be summed in
    // different orders, and then a sample would depend on its place.
    let batch = (batch + 3) / 4 * 4
    self.batch = batch
    schedule = model.schedule
    let shape = [batch] + model.denoiser.shape
    width = model.denoiser.shape.product
    isClipped = clip != nil
    let x = Tensor.input("x", shape)
    let seeds = Tensor.seeds("seeds", batch)
    let time = Tensor.input("time", [])
    let coefficients = Tensor.input("coefficients", [5, 1])
    (self.x, self.seeds, self.time, self.coefficients) = (x, seeds, time, coefficients)

    begun = .normal(shape, "start", keys: seeds)
    start = try runtime.compile("sample/start", [begun])

    func coefficient(_ i: Int) -> Tensor {
      coefficients.slice(axis: 0, from: i, count: 1).reshape([])
    }
    let noise = model.denoiser(x, time.broadcast(to: [batch])).averaged(averaged)
    var estimate = noise
    if let clip {
      let clean = (x - coefficient(4) * noise) / coefficient(3)
      estimate = minimum(maximum(clean, clip.lowerBound), clip.upperBound)
    }
    let fresh = Tensor.normal(shape, "noise", keys: seeds)
    stepped = coefficient(0) * x + coefficient(1) * estimate + coefficient(2) * fresh
    step = try runtime.compile("sample/step", [stepped])
  }

  /// One sample per seed, [seeds.count] + shape, row-major.
  ///
  /// - Parameters:
  ///   - steps: How many of the schedule's times are visited; all unless told.
  ///   - observe: Given the number of steps done and all `batch` rows as they are then, before the
  ///     first step and after each, for one batch after another.
  /// - Throws: `TensorError` unless steps is 1 ... T, and eta 0 ... 1.
  public func sample(
    seeds: [UInt64], _ method: SamplingMethod, steps: Int? = nil,
    observe: ((_ done: Int, _ samples: [Float]) -> Void)? = nil
  ) throws -> [Float] {
    let plan = try schedule.reverseSteps(method, steps: steps ?? schedule.times)
    var result: [Float] = []
    for first in stride(from: 0, to: seeds.count, by: batch) {
      let chunk = Array(seeds[first..<min(first + batch, seeds.count)])
      start.fill(seeds: self.seeds, with: chunk)
      step.fill(seeds: self.seeds, with: chunk)
      start.run(at: 0)
      var current = try start.values(begun)
      observe?(0, current)
      for (done, reverse) in plan.enumerated() {
        step.fill(x, with: current)
        step.fill(time, with: [Float(reverse.time - 1)])
        step.fill(coefficients, with: factors(reverse).map { Float($0) })
        // Draws are by time, so that samplers that visit the same times draw the same noise there.
        step.run(at: UInt64(reverse.time))
        current = try step.values(stepped)
        observe?(done + 1, current)
      }
      result += current.prefix(chunk.count * width)
    }
    return result
  }

  /// The factors of x_t, of what is estimated (the noise, or x_0 where that is clipped) and of
  /// fresh noise; then ᾱ_t and β̄_t.
  private func factors(_ step: ReverseStep) -> [Double] {
    let (signal, deviation) = (schedule.alphaBar[step.time], schedule.betaBar[step.time])
    let (x, estimate) =
      isClipped
      // With ε̂ = (x_t - ᾱ_t x̂_0)/β̄_t. At the end these are 0 and 1, so x̂_0 stays in its range.
      ? (step.a + step.b / deviation, -step.b * signal / deviation) : (step.a, step.b)
    return [x, estimate, step.c, signal, deviation]
  }
}
