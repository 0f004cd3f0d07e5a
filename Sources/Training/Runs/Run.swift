import Classifier
import DDPM
import Datasets
import TensorCore
import VAE
import WGAN

/// A trained model with its weights: to draw from and to evaluate.
public struct Run {
  /// What made it.
  public let experiment: Experiment
  /// What its examples are.
  public let domain: Domain
  /// The names of the classes from 0, where something says them.
  public let classes: [String]
  /// Where the weights are.
  public let runtime: Runtime
  /// The model.
  public let model: Model
  let parameters: Parameters
  /// Steps of training.
  public let step: Int
  /// From an expression of the raw weights to that of those that samples are drawn with; see
  /// `Weights.reading`.
  public let reading: @Sendable (Tensor) -> Tensor

  init(
    experiment: Experiment, domain: Domain, classes: [String], runtime: Runtime, model: Model,
    parameters: Parameters, step: Int
  ) {
    self.classes = classes
    (self.experiment, self.domain, self.runtime) = (experiment, domain, runtime)
    (self.model, self.parameters, self.step) = (model, parameters, step)
    reading = experiment.weights.reading(model.sampled(of: parameters))
  }

  /// Loads the checkpoint of a run folder; the data set itself is not needed.
  ///
  /// - Throws: `PassedOver` where there is no checkpoint, `FileError` or `FormatError` where it is damaged.
  public init(folder: String, threads: Int) throws {
    let paths = RunPaths(folder)
    try paths.checkHoldsRun()
    let checkpoint = try Checkpoint(paths.checkpoint)
    experiment = checkpoint.experiment
    step = checkpoint.step
    domain = checkpoint.domain
    classes = checkpoint.classes
    runtime = try Runtime(seed: experiment.seed, threads: threads)
    try checkpoint.restore(into: runtime)
    parameters = Parameters(experiment.model.root)
    model = try experiment.model.model(forExamplesOf: domain.shape, parameters)
    let read = model.sampled(of: parameters)
    reading = experiment.weights.reading(read)
    let sampled = Set(read)
    for variable in parameters.variables {
      let kinds = sampled.contains(variable) ? [Weights.raw, experiment.weights] : [.raw]
      for name in Set(kinds.map { $0.name(variable) }).sorted()
      where runtime.shape(ofVariable: name) != variable.shape {
        throw FormatError(
          path: paths.checkpoint,
          problem: "holds no array \(quoted(name)) of shape \(variable.shape)")
      }
    }
  }

  /// The number of a class that is called so, or has that number.
  ///
  /// - Throws: `DataError` where there is none, with those that there are.
  public func label(ofClass word: String) throws -> Int {
    if let named = classes.firstIndex(of: word) { return named }
    // Where names are numbers themselves, a number is a name.
    let areNumbers = classes.contains { Int($0) != nil }
    let count = experiment.model.classes ?? classes.count
    if let number = Int(word),
      !areNumbers || (classes.count..<max(classes.count, count)).contains(number)
    {
      // What is out of range is refused with the model's own words.
      return number
    }
    let shown = classes.prefix(20).map { quoted($0) }.joined(separator: ", ")
    let known =
      classes.isEmpty
      ? "a number from 0" : shown + (classes.count > 20 ? ", and \(classes.count - 20) more" : "")
    throw DataError("--class: there is no class \(quoted(word)); expected \(known)")
  }

  /// Why samples say little yet: the moving average that they are drawn with is still in part the random
  /// start; nil where it is not, to one in a hundred.
  public var weightsWarning: String? {
    guard experiment.weights == .averaged, let decay = experiment.optimizer.average else {
      return nil
    }
    let share = shareOfStart(decay: decay, steps: step)
    guard share > 0.01 else { return nil }
    return "the moving average is too young to sample: after \(counted(step, "step")) "
      + "\(percent(share)) of it are the random start"
  }

  /// Which samplers are compiled at: a sample's bytes depend on it, so it is the same for every
  /// command.
  static func batch(for shape: [Int]) -> Int { shape.count == 1 ? 2048 : 64 }

  /// The sampling steps that `sample` takes for `count` seeds.
  public func samplingSteps(count: Int, steps: Int? = nil) -> Int {
    let batch = Self.batch(for: domain.shape)
    return (count + batch - 1) / batch * stepsPerBatch(steps)
  }

  private func stepsPerBatch(_ steps: Int?) -> Int {
    steps ?? experiment.sampling.reverse?.steps ?? experiment.model.times ?? 1
  }

  /// Draws one sample per seed, [count] + shape, as models see examples: from the averaged or the best
  /// weights where there are any.
  ///
  /// - Parameters:
  ///   - method: The experiment's unless told; so is `steps`. Both are for diffusion models.
  ///   - latent: How latent variables are chosen, for models that have them.
  ///   - labels: The class of each sample, from 0; seed modulo classes unless told.
  ///   - observe: Given the number of steps done, of all of `samplingSteps`, and the samples of the
  ///     current batch, after each step and before the first of each batch. What it throws ends the
  ///     drawing.
  public func sample(
    seeds: [UInt64], method: SamplingMethod? = nil, steps: Int? = nil,
    latent: LatentDraw = .plain, labels: [Int]? = nil,
    observe: ((_ done: Int, _ samples: [Float]) throws -> Void)? = nil
  ) throws -> [Float] {
    if experiment.sampling.reverse == nil {
      if case .classifier = model {
        throw DataError("\(experiment.name) is a classifier, which draws no samples")
      }
      let samples = try sample(seeds: seeds, latent: latent, labels: labels)
      try observe?(samplingSteps(count: seeds.count), samples)
      return samples
    }
    if latent != .plain { _ = try sample(seeds: [], latent: latent) }
    var request = try request(method: method, steps: steps)
    request.labels = labels
    let steps = request.steps
    var before = -steps
    return try sampler().sample(seeds: seeds, request) { done, samples in
      if done == 0 { before += steps }
      try observe?(before + done, samples)
    }
  }

  /// What the experiment samples by, unless told.
  func request(method: SamplingMethod? = nil, steps: Int? = nil) throws -> Sampler.Request {
    .init(try method ?? experiment.reverse().samplingMethod, steps: stepsPerBatch(steps))
  }

  func sampler() throws -> Sampler {
    let model = try diffusion("this")
    return try Sampler(
      model, runtime, batch: Self.batch(for: domain.shape), weights: reading,
      precision: experiment.precision,
      clip: model.clipRange)
  }

  func latentSampler(truncation: Double = 1) throws -> LatentSampler {
    let model = try autoencoder("this")
    return try LatentSampler(
      model, runtime, batch: Self.batch(for: domain.shape),
      drawsObservations: model.drawsObservations, truncation: truncation, weights: reading)
  }

  func generatorSampler() throws -> GeneratorSampler {
    try GeneratorSampler(
      try adversary("this"), runtime, batch: Self.batch(for: domain.shape), weights: reading)
  }

  /// The SHA-256 of the weights that samples are drawn and judged with: names, shapes and numbers.
  public var weightsDigest: String {
    get throws {
      var bytes: [UInt8] = []
      func append(_ number: UInt32) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
      }
      let sampled = Set(model.sampled(of: parameters))
      for variable in parameters.variables.sorted(by: { $0.name < $1.name }) {
        bytes += Array(variable.name.utf8) + [0]
        for length in [variable.shape.count] + variable.shape { append(UInt32(length)) }
        let weights = sampled.contains(variable) ? experiment.weights : .raw
        try runtime.read(variable: weights.name(variable)) { span in
          for i in span.indices { append(span[i].bitPattern) }
        }
      }
      return SHA256.hex(bytes)
    }
  }

  /// The diffusion model of the run.
  ///
  /// - Throws: `DataError` for another kind, saying that `what` is for diffusion models.
  public func diffusion(_ what: String) throws -> DDPM {
    guard case .ddpm(let model) = model else { throw other(what, "ddpm") }
    return model
  }

  /// The variational autoencoder of the run.
  ///
  /// - Throws: `DataError` for another kind, saying that `what` is for VAEs.
  public func autoencoder(_ what: String) throws -> VAE {
    guard case .vae(let model, _) = model else { throw other(what, "vae") }
    return model
  }

  /// The generator and critic of the run.
  ///
  /// - Throws: `DataError` for another kind, saying that `what` is for WGANs.
  public func adversary(_ what: String) throws -> WGAN {
    guard case .wgan(let model, _) = model else { throw other(what, "wgan") }
    return model
  }

  /// The classifier of the run.
  ///
  /// - Throws: `DataError` for another kind, saying that `what` is for classifiers.
  public func classifier(_ what: String) throws -> Classifier {
    guard case .classifier(let model) = model else { throw other(what, "classifier") }
    return model
  }

  private func other(_ what: String, _ kind: String) -> DataError {
    DataError(
      "\(what) is for runs of kind \(kind), and \(experiment.name) is a \(experiment.model.kind)")
  }
}
