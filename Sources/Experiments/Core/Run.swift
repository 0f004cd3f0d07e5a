import Classifier
import Datasets
import Domains
import Formats
import Support
import TensorCore
import VAE
import WGAN

/// A trained model with its weights, for sampling and evaluation.
package struct Run {
  /// The experiment that was trained.
  package let experiment: Experiment
  /// Kind and shape of the examples.
  package let domain: Domain
  /// Names of the classes from 0, if known.
  package let classes: [String]
  /// Runtime that holds the weights.
  package let runtime: Runtime
  /// The model.
  package let model: any Model
  package let parameters: Parameters
  /// Number of training steps done.
  package let step: Int
  /// Maps an expression of the raw weights to the weights used for sampling; see `Weights.reading`.
  package let reading: @Sendable (Tensor) -> Tensor

  package init(
    experiment: Experiment, domain: Domain, classes: [String], runtime: Runtime, model: any Model,
    parameters: Parameters, step: Int
  ) {
    self.classes = classes
    (self.experiment, self.domain, self.runtime) = (experiment, domain, runtime)
    (self.model, self.parameters, self.step) = (model, parameters, step)
    reading = experiment.weights.reading(model.sampled(of: parameters))
  }

  /// The class with the given name or index.
  ///
  /// - Throws: `FigmentError`, listing the classes, if there is none.
  package func label(ofClass word: String) throws -> Int {
    if let named = classes.firstIndex(of: word) { return named }
    // If the names are numbers themselves, a number is a name.
    let areNumbers = classes.contains { Int($0) != nil }
    let count = experiment.model.classCount ?? classes.count
    if let number = Int(word),
      !areNumbers || (classes.count..<max(classes.count, count)).contains(number)
    {
      // The model itself reports indices out of range.
      return number
    }
    let shown = classes.prefix(20).map { quoted($0) }.joined(separator: ", ")
    let known =
      classes.isEmpty
      ? "a number from 0" : shown + (classes.count > 20 ? ", and \(classes.count - 20) more" : "")
    throw FigmentError("--class: no class \(quoted(word)); expected \(known)")
  }

  /// Warning if the moving average used for sampling is still dominated by the random start; nil if
  /// the start's weight is at most one in a hundred.
  package var weightsWarning: String? {
    guard experiment.weights == .averaged,
      let decay = experiment.optimizer.averageDecay(steps: experiment.steps)
    else {
      return nil
    }
    let share = shareOfStart(decay: decay, steps: step)
    guard share > 0.01 else { return nil }
    return "the moving average is too young to sample: after \(counted(step, "step")), "
      + "\(percent(share)) of it is the random start"
  }

  /// Batch size of samplers: the same for every command, because the bytes of a sample depend on
  /// it.
  package static func batch(for shape: [Int]) -> Int { shape.count == 1 ? 2048 : 64 }

  /// Number of visits that `sample` makes for `count` seeds; see `SampleRequest`.
  package func samplingSteps(count: Int, _ request: SampleRequest = SampleRequest()) -> Int {
    let batch = Self.batch(for: domain.shape)
    let reverse = experiment.sampling.reverse
    let visits = reverse.map {
      (request.method ?? $0.samplingMethod).visits(inSteps: request.steps ?? $0.steps)
    }
    return (count + batch - 1) / batch * (visits ?? 1)
  }

  /// Draws one sample per seed, [count] + shape, as models see examples, using the averaged or the
  /// best weights if there are any.
  ///
  /// - Parameter observe: Receives the number of steps done, out of `samplingSteps`, and the
  ///   samples of the current batch, before the first step of each batch and after each step. An
  ///   error it throws ends the drawing.
  package func sample(
    seeds: [UInt64], _ request: SampleRequest = SampleRequest(),
    observe: ((_ done: Int, _ samples: [Float]) throws -> Void)? = nil
  ) throws -> [Float] {
    try sampler().sample(seeds: seeds, request, observe: observe)
  }

  /// Makes the sampler of the run.
  ///
  /// - Throws: `FigmentError` for models that draw no samples.
  package func sampler() throws -> any SeededSampler {
    guard
      let sampler = try model.sampler(
        runtime, batch: Self.batch(for: domain.shape), weights: reading, experiment)
    else {
      throw FigmentError("\(experiment.name) is a \(experiment.model.kind), which draws no samples")
    }
    return sampler
  }

  /// SHA-256 of the weights used for sampling and evaluation: names, shapes and numbers.
  package var weightsDigest: String {
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

  /// The model of the run, cast to a kind.
  ///
  /// - Throws: `FigmentError` for another kind, stating that `what` needs this one.
  package func model<Wanted: Model>(_ kind: Wanted.Type, for what: String) throws -> Wanted {
    guard let model = model as? Wanted else {
      throw FigmentError(
        "\(what): needs a run of kind \(Wanted.kind); \(experiment.name) is a "
          + experiment.model.kind)
    }
    return model
  }
}

extension Run {
  /// Samples in data coordinates: points in double precision as in the set, images as the model
  /// draws them.
  package func inDataCoordinates(_ samples: [Float]) -> NPY.Values {
    if case .points(let plane) = domain {
      return .doubles(plane.coordinates(ofStandardised: samples))
    }
    return .floats(samples)
  }
}
