import TensorCore

/// A sampler with a fixed batch.
///
/// A sample depends on its own seed alone, except for rounding on processors without AVX-512, and at
/// another batch on all: see `BatchedProgram`. The draws are named by the programs `sample/start` and
/// `sample/step`, and numbered by time.
public final class Sampler {
  /// Number of samples drawn at once, a multiple of 4; requests are padded to it.
  public var batch: Int { step.batch }
  /// Floating-point operations of one step in matrix products and convolutions.
  public var flopsPerStep: Double { step.program.kernels.reduce(0) { $0 + $1.flops } }
  private let schedule: NoiseSchedule
  private let width: Int
  private let isClipped: Bool
  private let start, step: BatchedProgram
  private let x, seeds, time, label, coefficients: Tensor
  private let begun, stepped: Tensor
  private let classes: Int?

  /// Creates a sampler of a model.
  ///
  /// - Parameters:
  ///   - runtime: The runtime that holds the weights.
  ///   - batch: Samples computed at once, at least 1; rounded up to a multiple of 4, see
  ///     `BatchedProgram`.
  ///   - weights: Maps the raw weights to those that are read, such as their exponential moving
  ///     average.
  ///   - precision: Precision of the network's arithmetic.
  ///   - clip: The range to which the estimate of x_0 is clipped at each step, as in Ho et al.'s
  ///     code for images; the estimate of the noise is recomputed from it.
  /// - Throws: `TensorError` if the model's expressions are invalid.
  public init(
    _ model: GaussianDiffusion, _ runtime: Runtime, batch: Int,
    weights: (Tensor) -> Tensor = { $0 },
    precision: Precision = .fp32, clip: ClosedRange<Double>? = nil
  ) throws {
    let batch = BatchedProgram.batch(atLeast: batch)
    schedule = model.schedule
    let shape = [batch] + model.denoiser.shape
    width = model.denoiser.shape.product
    isClipped = clip != nil
    let x = Tensor.input("x", shape)
    let seeds = Tensor.seeds("seeds", batch)
    let time = Tensor.input("time", [])
    let label = Tensor.input("label", [batch])
    let coefficients = Tensor.input("coefficients", [5, 1])
    (self.x, self.seeds, self.time, self.label) = (x, seeds, time, label)
    self.coefficients = coefficients
    classes = model.denoiser.classes

    begun = .normal(shape, "start", keys: seeds)
    start = BatchedProgram(
      try runtime.compile("sample/start", [begun], sharesDraws: true), batch: batch)

    func coefficient(_ i: Int) -> Tensor {
      coefficients.slice(axis: 0, from: i, count: 1).reshape([])
    }
    let noise = weights(
      model.denoiser(
        x, time.broadcast(to: [batch]), label: model.denoiser.classes == nil ? nil : label))
    var estimate = noise
    if let clip {
      let clean = (x - coefficient(4) * noise) / coefficient(3)
      estimate = minimum(maximum(clean, clip.lowerBound), clip.upperBound)
    }
    let fresh = Tensor.normal(shape, "noise", keys: seeds)
    stepped = coefficient(0) * x + coefficient(1) * estimate + coefficient(2) * fresh
    let compiled = try runtime.compile(
      "sample/step", [stepped], precision: precision, sharesDraws: true)
    step = BatchedProgram(compiled, batch: batch)
  }

  /// A request for samples, apart from the seeds.
  public struct Request: Sendable {
    /// The sampling method.
    public var method: SamplingMethod
    /// Number of the schedule's times to visit.
    public var steps: Int
    /// The class of each sample, from 0, if the model has classes; nil for seed modulo classes.
    public var labels: [Int]?
    /// Examples to start from instead of noise.
    public var start: Start?
    /// Known parts of the samples, for inpainting.
    public var known: Known?

    /// Requests samples from noise, with no known parts.
    public init(_ method: SamplingMethod, steps: Int) {
      (self.method, self.steps) = (method, steps)
    }
  }

  /// Examples that are noised to a time at which the reverse process starts.
  public struct Start: Sendable {
    /// x_0 of each sample, [count] + shape.
    public var examples: [Float]
    /// The starting time t, from 1 to T.
    public var time: Int

    /// Starts at `time`, from `examples`.
    public init(_ examples: [Float], time: Int) {
      (self.examples, self.time) = (examples, time)
    }
  }

  /// An example with known and unknown parts; the unknown parts are drawn, conditional on the known
  /// ones.
  ///
  /// At each step the known part is replaced by the example, noised to that time (Lugmayr et al.
  /// 2022, eq. 8).
  public struct Known: Sendable {
    /// The example, of the model's shape.
    public var example: [Float]
    /// A mask of the model's shape: true for each number to be drawn.
    public var isDrawn: [Bool]

    /// Keeps those numbers of `example` that the mask does not mark as drawn.
    public init(_ example: [Float], isDrawn: [Bool]) {
      (self.example, self.isDrawn) = (example, isDrawn)
    }
  }

  /// Draws one sample per seed: [seeds.count] + shape, row-major.
  ///
  /// - Parameters:
  ///   - observe: Called with the number of steps done and the current values of all `batch` rows,
  ///     before the first step and after each, for one batch after another. An error it throws ends
  ///     the sampling.
  /// - Throws: `TensorError` unless steps and start are 1 ... T, eta is 0 ... 1, and labels and
  ///   examples fit the seeds and the model.
  public func sample(
    seeds: [UInt64], _ request: Request,
    observe: ((_ done: Int, _ samples: [Float]) throws -> Void)? = nil
  ) throws -> [Float] {
    let plan = try schedule.reverseSteps(
      request.method, steps: request.steps, from: request.start?.time)
    let labels = try classLabels(request.labels, seeds: seeds, classes: classes)
    if let start = request.start, start.examples.count != seeds.count * width {
      throw TensorError(
        "\(start.examples.count) numbers to start from are not \(seeds.count) examples of \(width)")
    }
    if let known = request.known, known.example.count != width || known.isDrawn.count != width {
      throw TensorError("an example and a mask of \(width) numbers are expected")
    }
    var result: [Float] = []
    for rows in step.batches(of: seeds.count) {
      try start.fill(.seeds(self.seeds, seeds), rows)
      try step.fill(.seeds(self.seeds, seeds), rows)
      if classes != nil { try step.fill(.values(label, labels.map { Float($0) }), rows) }
      var current = try noise(at: 0)
      if let begin = request.start {
        let examples = begin.examples[rows.lowerBound * width..<rows.upperBound * width]
        blend(Array(examples), into: &current, at: begin.time)
      }
      try observe?(0, current)
      for (done, reverse) in plan.enumerated() {
        current = try advance(current, by: reverse)
        if let known = request.known { try impose(known, on: &current, at: reverse.next) }
        try observe?(done + 1, current)
      }
      result += current.prefix(rows.count * width)
    }
    return result
  }

  /// Draws one sample per seed from noise, of class seed modulo classes if the model has classes.
  public func sample(
    seeds: [UInt64], _ method: SamplingMethod, steps: Int? = nil,
    observe: ((_ done: Int, _ samples: [Float]) throws -> Void)? = nil
  ) throws -> [Float] {
    try sample(seeds: seeds, Request(method, steps: steps ?? schedule.times), observe: observe)
  }

  /// All rows after one reverse step.
  private func advance(_ current: [Float], by reverse: ReverseStep) throws -> [Float] {
    let program = step.program
    try program.fill(x, with: current)
    // A denoiser need not depend on the time.
    if program.reads(time) { try program.fill(time, with: [Float(reverse.time - 1)]) }
    try program.fill(coefficients, with: factors(reverse).map { Float($0) })
    // Draws are numbered by time, so that samplers that visit the same times use the same noise
    // there.
    program.run(at: UInt64(reverse.time))
    return try program.values(stepped)
  }

  /// Standard normal noise for each row, as a function of its seed and the time.
  private func noise(at time: Int) throws -> [Float] {
    start.program.run(at: UInt64(time))
    return try start.program.values(begun)
  }

  /// Computes x_t = ᾱ_t x_0 + β̄_t ε in place; `noise` holds ε.
  private func blend(_ examples: [Float], into noise: inout [Float], at time: Int) {
    let (signal, deviation) = (Float(schedule.alphaBar[time]), Float(schedule.betaBar[time]))
    for i in examples.indices { noise[i] = signal * examples[i] + deviation * noise[i] }
  }

  private func impose(_ known: Known, on samples: inout [Float], at time: Int) throws {
    var replacement = try noise(at: time)
    let examples = (0..<batch).flatMap { _ in known.example }
    blend(examples, into: &replacement, at: time)
    for i in samples.indices where !known.isDrawn[i % width] { samples[i] = replacement[i] }
  }

  /// The factors of x_t, of the network's estimate (the noise, or x_0 if that is clipped) and of
  /// fresh noise, followed by ᾱ_t and β̄_t.
  private func factors(_ step: ReverseStep) -> [Double] {
    let (signal, deviation) = (schedule.alphaBar[step.time], schedule.betaBar[step.time])
    let (x, estimate) =
      isClipped
      // With ε̂ = (x_t - ᾱ_t x̂_0)/β̄_t. In the last step these are 0 and 1, so x̂_0 stays in its
      // range.
      ? (step.a + step.b / deviation, -step.b * signal / deviation) : (step.a, step.b)
    return [x, estimate, step.c, signal, deviation]
  }
}
