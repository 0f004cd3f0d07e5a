import TensorCore

/// A sampler with a fixed batch.
///
/// A sample depends on its own seed alone, except for rounding on processors without AVX-512, and at
/// another batch on all: see `BatchedProgram`. The draws are named by the programs `sample/start` and
/// `sample/step`, and numbered by time.
public final class Sampler {
  /// Number of samples drawn at once, a multiple of 4; requests are padded to it.
  public var batch: Int { step.batch }
  /// Floating-point operations of one visit in matrix products and convolutions.
  public var flopsPerVisit: Double { step.program.kernels.reduce(0) { $0 + $1.flops } }
  /// Network evaluations of a visit: two with guidance, one without.
  public let evaluationsPerVisit: Int
  private let path: NoisePath
  private let width: Int
  private let start, step: BatchedProgram
  private let inputs: Inputs
  private let begun, stepped, clean: Tensor
  private let classes: Int?

  /// Inputs of the programs.
  private struct Inputs {
    let x, base, previous, seeds, time, label, factors: Tensor

    init(_ shape: [Int]) {
      x = .input("x", shape)
      base = .input("base", shape)
      previous = .input("previous", shape)
      seeds = .seeds("seeds", shape[0])
      time = .input("time", [])
      label = .input("label", [shape[0]])
      factors = .input("factors", [6, 1])
    }

    /// A number of a visit: 0 to 3 the factors of its states, 4 and 5 the amounts of data and noise.
    func factor(_ i: Int) -> Tensor { factors.slice(axis: 0, from: i, count: 1).reshape([]) }
  }

  /// Creates a sampler of a denoiser.
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
  ///   - guidance: w of classifier-free guidance, for a network with a vector for an unknown class,
  ///     or nil: x̂_0 + (w - 1)(x̂_0 - x̂_0 of an unknown class), so that 1 is the conditional model
  ///     (Ho and Salimans 2022, eq. 6, who call w - 1 w).
  /// - Throws: `TensorError` if the model's expressions are invalid.
  public init(
    _ denoiser: Denoiser, _ runtime: Runtime, batch: Int, weights: (Tensor) -> Tensor = { $0 },
    precision: Precision = .fp32, clip: ClosedRange<Double>? = nil, guidance: Double? = nil
  ) throws {
    let batch = BatchedProgram.batch(atLeast: batch)
    let shape = [batch] + denoiser.shape
    (path, width, classes) = (denoiser.path, denoiser.shape.product, denoiser.classes)
    evaluationsPerVisit = guidance == nil ? 1 : 2
    let inputs = Inputs(shape)
    self.inputs = inputs

    begun = .normal(shape, "start", keys: inputs.seeds)
    start = BatchedProgram(
      try runtime.compile("sample/start", [begun], sharesDraws: true), batch: batch)

    let label = classes == nil ? nil : inputs.label
    var clean = weights(
      Self.clean(denoiser, inputs, inputs.time.broadcast(to: [batch]), label, guidance: guidance))
    if let clip { clean = minimum(maximum(clean, clip.lowerBound), clip.upperBound) }
    let fresh = Tensor.normal(shape, "noise", keys: inputs.seeds)
    self.clean = clean
    stepped =
      inputs.factor(0) * inputs.base + inputs.factor(1) * clean
      + inputs.factor(2) * inputs.previous + inputs.factor(3) * fresh
    let compiled = try runtime.compile(
      "sample/step", [stepped, clean], precision: precision, sharesDraws: true)
    step = BatchedProgram(compiled, batch: batch)
  }

  /// The estimate of x_0, with guidance from a second evaluation in the same batch.
  private static func clean(
    _ denoiser: Denoiser, _ inputs: Inputs, _ time: Tensor, _ label: Tensor?, guidance: Double?
  ) -> Tensor {
    let (signal, noise) = (inputs.factor(4), inputs.factor(5))
    guard let guidance, let label, let classes = denoiser.classes else {
      return denoiser.estimate(
        inputs.x, signal: signal, noise: noise, time: time, label: label
      ).clean
    }
    let unknown = Tensor(Double(classes)).broadcast(to: label.shape)
    let both = denoiser.estimate(
      concatenate([inputs.x, inputs.x], axis: 0), signal: signal, noise: noise,
      time: concatenate([time, time], axis: 0), label: concatenate([label, unknown], axis: 0)
    ).clean
    let count = label.shape[0]
    let conditional = both.slice(axis: 0, from: 0, count: count)
    let unconditional = both.slice(axis: 0, from: count, count: count)
    return unconditional + Tensor(guidance) * (conditional - unconditional)
  }

  /// A request for samples, apart from the seeds.
  public struct Request: Sendable {
    /// The sampling method.
    public var method: SamplingMethod
    /// Number of steps.
    public var steps: Int
    /// s of the last visit, for methods that may choose it.
    public var smallestNoise = 0.002
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
    /// The path's time at the start, above 0 and at most 1; t/T of a schedule.
    public var time: Double

    /// Starts at `time`, from `examples`.
    public init(_ examples: [Float], time: Double) {
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

  /// The visits of a request.
  ///
  /// - Throws: `TensorError` as `NoisePath.visits`.
  public func visits(_ request: Request) throws -> [Visit] {
    try path.visits(
      request.method, steps: request.steps, from: request.start?.time,
      smallestNoise: request.smallestNoise)
  }

  /// Draws one sample per seed: [seeds.count] + shape, row-major.
  ///
  /// - Parameters:
  ///   - observe: Called with the number of visits done and the current values of all `batch` rows,
  ///     before the first visit and after each, for one batch after another. An error it throws ends
  ///     the sampling.
  /// - Throws: `TensorError` if steps, start and eta do not fit the path, or labels and examples the
  ///   seeds and the model.
  public func sample(
    seeds: [UInt64], _ request: Request,
    observe: ((_ done: Int, _ samples: [Float]) throws -> Void)? = nil
  ) throws -> [Float] {
    let visits = try visits(request)
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
      try start.fill(.seeds(inputs.seeds, seeds), rows)
      try step.fill(.seeds(inputs.seeds, seeds), rows)
      if classes != nil { try step.fill(.values(inputs.label, labels.map { Float($0) }), rows) }
      var first = try noise(numbered: 0)
      if let begin = request.start, let level = visits.first?.level {
        let examples = begin.examples[rows.lowerBound * width..<rows.upperBound * width]
        blend(Array(examples), into: &first, at: level)
      }
      try observe?(0, first)
      var done = 0
      let last = try visits.run(from: first) { visit, state, base, previous in
        var (state, estimate) = try advance(visit, state, base: base, previous: previous)
        if let known = request.known { try impose(known, on: &state, at: visit.next) }
        done += 1
        try observe?(done, state)
        return (state, estimate)
      }
      result += last.prefix(rows.count * width)
    }
    return result
  }

  /// Draws one sample per seed from noise, of class seed modulo classes if the model has classes.
  public func sample(
    seeds: [UInt64], _ method: SamplingMethod, steps: Int,
    observe: ((_ done: Int, _ samples: [Float]) throws -> Void)? = nil
  ) throws -> [Float] {
    try sample(seeds: seeds, Request(method, steps: steps), observe: observe)
  }

  /// All rows after a visit, and their estimates of x_0.
  private func advance(
    _ visit: Visit, _ state: [Float], base: [Float], previous: [Float]
  ) throws -> (state: [Float], estimate: [Float]) {
    let program = step.program
    try program.fill(inputs.x, with: state)
    try program.fill(inputs.base, with: base)
    try program.fill(inputs.previous, with: previous)
    // A network need not depend on the time.
    if program.reads(inputs.time) {
      try program.fill(inputs.time, with: [Float(path.networkTime(at: visit.time))])
    }
    let factors = [
      visit.base, visit.estimate, visit.previous, visit.fresh, visit.level.signal,
      visit.level.noise,
    ]
    try program.fill(inputs.factors, with: factors.map { Float($0) })
    program.run(at: path.drawNumber(at: visit.time))
    return (try program.values(stepped), try program.values(clean))
  }

  /// Standard normal noise for each row, as a function of its seed and of a number.
  private func noise(numbered number: UInt64) throws -> [Float] {
    start.program.run(at: number)
    return try start.program.values(begun)
  }

  /// Computes a x_0 + s ε in place; `noise` holds ε.
  private func blend(_ examples: [Float], into noise: inout [Float], at level: NoiseLevel) {
    let (signal, deviation) = (Float(level.signal), Float(level.noise))
    for i in examples.indices { noise[i] = signal * examples[i] + deviation * noise[i] }
  }

  private func impose(
    _ known: Known, on samples: inout [Float], at next: (time: Double, level: NoiseLevel)
  ) throws {
    var replacement = try noise(numbered: path.drawNumber(at: next.time))
    let examples = (0..<batch).flatMap { _ in known.example }
    blend(examples, into: &replacement, at: next.level)
    for i in samples.indices where !known.isDrawn[i % width] { samples[i] = replacement[i] }
  }
}

extension NoisePath {
  /// The number of a time's draws, so that samplers that visit the same times use the same noise
  /// there: t of a schedule's whole times, and numbers above all of those between them.
  fileprivate func drawNumber(at time: Double) -> UInt64 {
    if let schedule {
      let place = time * Double(schedule.times)
      if abs(place - place.rounded()) < 1e-9 * Double(schedule.times) {
        return UInt64(place.rounded())
      }
    }
    return 1 << 32 + UInt64(time * 0x1p32)
  }
}
