import Classifier
import DDPM
import Datasets
import Domains
import Formats
import Support
import TensorCore
import VAE
import WGAN

/// A trained model with its weights: to draw from and to evaluate.
package struct Run {
  /// What made it.
  package let experiment: Experiment
  /// What its examples are.
  package let domain: Domain
  /// The names of the classes from 0, where something says them.
  package let classes: [String]
  /// Where the weights are.
  package let runtime: Runtime
  /// The model.
  package let model: any Model
  package let parameters: Parameters
  /// Steps of training.
  package let step: Int
  /// From an expression of the raw weights to that of those that samples are drawn with; see
  /// `Weights.reading`.
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

  /// The number of a class that is called so, or has that number.
  ///
  /// - Throws: `FigmentError` where there is none, with those that there are.
  package func label(ofClass word: String) throws -> Int {
    if let named = classes.firstIndex(of: word) { return named }
    // Where names are numbers themselves, a number is a name.
    let areNumbers = classes.contains { Int($0) != nil }
    let count = experiment.model.classCount ?? classes.count
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
    throw FigmentError("--class: there is no class \(quoted(word)); expected \(known)")
  }

  /// Why samples say little yet: the moving average that they are drawn with is still in part the random
  /// start; nil where it is not, to one in a hundred.
  package var weightsWarning: String? {
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
  package static func batch(for shape: [Int]) -> Int { shape.count == 1 ? 2048 : 64 }

  /// The sampling steps that `sample` takes for `count` seeds.
  package func samplingSteps(count: Int, steps: Int? = nil) -> Int {
    let batch = Self.batch(for: domain.shape)
    return (count + batch - 1) / batch * stepsPerBatch(steps)
  }

  private func stepsPerBatch(_ steps: Int?) -> Int {
    steps ?? experiment.sampling.reverse?.steps ?? experiment.model.scheduleTimes ?? 1
  }

  /// Draws one sample per seed, [count] + shape, as models see examples: from the averaged or the best
  /// weights where there are any.
  ///
  /// - Parameter observe: Given the number of steps done, of all of `samplingSteps`, and the samples of the
  ///   current batch, after each step and before the first of each batch. What it throws ends the
  ///   drawing.
  package func sample(
    seeds: [UInt64], _ request: SampleRequest = SampleRequest(),
    observe: ((_ done: Int, _ samples: [Float]) throws -> Void)? = nil
  ) throws -> [Float] {
    try sampler().sample(seeds: seeds, request, observe: observe)
  }

  /// What draws samples of the run.
  ///
  /// - Throws: `FigmentError` for models that draw none.
  package func sampler() throws -> any SeededSampler {
    guard
      let sampler = try model.sampler(
        runtime, batch: Self.batch(for: domain.shape), weights: reading, experiment)
    else {
      throw FigmentError("\(experiment.name) is a \(experiment.model.kind), which draws no samples")
    }
    return sampler
  }

  /// The SHA-256 of the weights that samples are drawn and judged with: names, shapes and numbers.
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

  /// The model of the run, where it is of a kind.
  ///
  /// - Throws: `FigmentError` for another kind, saying that `what` is for runs of this one.
  package func model<Wanted: Model>(_ kind: Wanted.Type, for what: String) throws -> Wanted {
    guard let model = model as? Wanted else {
      throw FigmentError(
        "\(what) is for runs of kind \(Wanted.kind), and \(experiment.name) is a "
          + experiment.model.kind)
    }
    return model
  }
}

extension Run {
  /// Samples in the coordinates of the data: points as they are in the set, in double precision, and images
  /// as the model draws them.
  package func inDataCoordinates(_ samples: [Float]) -> NPY.Values {
    if case .points(let plane) = domain {
      return .doubles(plane.coordinates(ofStandardised: samples))
    }
    return .floats(samples)
  }
}
