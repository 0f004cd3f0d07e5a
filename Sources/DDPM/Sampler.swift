import TensorCore

/// How samples are drawn.
public enum SamplingMethod: Equatable, Sendable {
  /// The reverse chain of Ho et al. 2020 (algorithm 2), with either of their usual variances.
  case ancestral(Variance)
  /// Song et al. 2021 (eq. 12); eta 0 draws no noise on the way, eta 1 as much as the ancestral chain.
  case ddim(eta: Double)

  /// The deviation of x_{t-1} given x_t.
  public enum Variance: String, CaseIterable, Sendable {
    /// σ_t = β_t: right for data of unit variance.
    case beta
    /// σ_t = β̃_t: right for data that are a single point.
    case posterior
  }
}

/// One step back in time: x_s = a x_t + b ε̂ + c z, with s < t.
public struct ReverseStep: Equatable, Sendable {
  /// t, from T down to 1.
  public let time: Int
  /// s, the next step's t, or 0 at the end.
  public let next: Int
  /// The factors of x_t, of the estimated noise and of fresh noise.
  public let a, b, c: Double
}

extension NoiseSchedule {
  /// The times that a sampler of `steps` steps visits: T first, 0 last, `steps` + 1 in all.
  ///
  /// - Throws: `TensorError` unless steps is 1 ... T.
  public func visitedTimes(steps: Int) throws -> [Int] {
    guard (1...times).contains(steps) else {
      throw TensorError("a sampler takes 1 to \(times) steps, not \(steps)")
    }
    return (0...steps).reversed().map { ($0 * times * 2 + steps) / (2 * steps) }
  }

  /// The steps of a sampler, in the order they are taken.
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

  // x_s = (x_t - β²/β̄ ε̂)/α + σ z (Ho et al. 2020, algorithm 2), α and β being those of the whole stride.
  private func ancestral(_ t: Int, _ s: Int, _ variance: SamplingMethod.Variance) -> ReverseStep {
    var (alpha, betaSquared) = (1.0, 0.0)
    for i in s..<t {
      betaSquared = betaSquared * self.alpha[i] * self.alpha[i] + beta[i] * beta[i]
      alpha *= self.alpha[i]
    }
    let sigma =
      switch variance {
      case .beta: s == 0 ? 0 : betaSquared.squareRoot()  // The last step adds no noise to the result.
      case .posterior: betaSquared.squareRoot() * betaBar[s] / betaBar[t]
      }
    return ReverseStep(time: t, next: s, a: 1 / alpha, b: -betaSquared / (betaBar[t] * alpha), c: sigma)
  }

  // x_s = ᾱ_s x̂_0 + sqrt(β̄_s² - σ²) ε̂ + σ z with x̂_0 = (x_t - β̄_t ε̂)/ᾱ_t (Song et al. 2021, eq. 12 and 16).
  private func ddim(_ t: Int, _ s: Int, _ eta: Double) -> ReverseStep {
    let ratio = alphaBar[t] / alphaBar[s]
    let sigma = eta * betaBar[s] / betaBar[t] * max(0, 1 - ratio * ratio).squareRoot()
    let rest = max(0, betaBar[s] * betaBar[s] - sigma * sigma).squareRoot()
    return ReverseStep(
      time: t, next: s, a: alphaBar[s] / alphaBar[t], b: rest - alphaBar[s] * betaBar[t] / alphaBar[t], c: sigma)
  }
}

/// Draws samples at one fixed batch, so that a sample depends on its own seed alone.
public final class Sampler {
  /// Samples drawn at once; requests are padded to it.
  public let batch: Int
  /// Floating-point operations of one step in matrix products and convolutions.
  public var flopsPerStep: Double { step.kernels.reduce(0) { $0 + $1.flops } }
  private let schedule: NoiseSchedule
  private let width: Int
  private let start, step: Program
  private let x, seeds, time, coefficients: Tensor
  private let begun, stepped: Tensor

  /// - Parameters:
  ///   - runtime: Where the weights are.
  ///   - averaged: Parameters to read from their moving averages.
  ///   - clip: The range to which the estimate of x_0 is clipped at each step, as Ho et al.'s code does for images.
  /// - Throws: `TensorError` if the model's expressions are invalid.
  public init(
    _ model: DDPM, _ runtime: Runtime, batch: Int, averaged: [Variable] = [], clip: ClosedRange<Double>? = nil
  ) throws {
    self.batch = batch
    schedule = model.schedule
    let shape = [batch] + model.denoiser.shape
    width = model.denoiser.shape.product
    let x = Tensor.input("x", shape)
    let seeds = Tensor.seeds("seeds", batch)
    let time = Tensor.input("time", [])
    let coefficients = Tensor.input("coefficients", [5, 1])
    (self.x, self.seeds, self.time, self.coefficients) = (x, seeds, time, coefficients)

    begun = .normal(shape, "start", keys: seeds)
    start = try runtime.compile("sample/start", [begun])

    func coefficient(_ i: Int) -> Tensor { coefficients.slice(axis: 0, from: i, count: 1).reshape([]) }
    var noise = model.denoiser(x, time.broadcast(to: [batch])).averaged(averaged)
    if let clip {
      let (signal, deviation) = (coefficient(3), coefficient(4))
      let clean = minimum(maximum((x - deviation * noise) / signal, clip.lowerBound), clip.upperBound)
      noise = (x - signal * clean) / deviation
    }
    let fresh = Tensor.normal(shape, "noise", keys: seeds)
    stepped = coefficient(0) * x + coefficient(1) * noise + coefficient(2) * fresh
    step = try runtime.compile("sample/step", [stepped])
  }

  /// One sample per seed, [seeds.count] + shape, row-major.
  ///
  /// - Parameters:
  ///   - steps: How many of the schedule's times are visited; all unless told.
  ///   - observe: Given the number of steps done, and all samples of the current batch, after each step and before the
  ///     first. What it throws ends the sampling.
  public func sample(
    seeds: [UInt64], _ method: SamplingMethod, steps: Int? = nil,
    observe: ((_ done: Int, _ samples: [Float]) throws -> Void)? = nil
  ) throws -> [Float] {
    let plan = try schedule.reverseSteps(method, steps: steps ?? schedule.times)
    var result: [Float] = []
    for first in stride(from: 0, to: seeds.count, by: batch) {
      let chunk = Array(seeds[first..<min(first + batch, seeds.count)])
      start.fill(seeds: self.seeds, with: chunk)
      step.fill(seeds: self.seeds, with: chunk)
      start.run(at: 0)
      var current = try start.values(begun)
      try observe?(0, current)
      for (done, reverse) in plan.enumerated() {
        step.fill(x, with: current)
        step.fill(time, with: [Float(reverse.time - 1)])
        step.fill(
          coefficients,
          with: [
            reverse.a, reverse.b, reverse.c, schedule.alphaBar[reverse.time], schedule.betaBar[reverse.time],
          ].map { Float($0) })
        // Draws are by time, so that samplers that visit the same times draw the same noise there.
        step.run(at: UInt64(reverse.time))
        current = try step.values(stepped)
        try observe?(done + 1, current)
      }
      result += current.prefix(chunk.count * width)
    }
    return result
  }
}
