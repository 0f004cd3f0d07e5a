import CDigitClassifier
import Domains
import Experiments
import Formats
import Support
import TensorCore

extension Run {
  /// Loads the classifier of digits that the program holds, so that metrics are the same
  /// everywhere.
  ///
  /// It has the weights that a run of `Experiments/classifier-mnist.yaml` is evaluated with, and no
  /// others: it cannot resume training.
  ///
  /// - Throws: `FigmentError` if this version of the program cannot read its experiment.
  package static func digitClassifier(threads: Int) throws -> Run {
    let count = digit_classifier_count()
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      guard let start = buffer.baseAddress else { return }
      digit_classifier_copy(start)
      initialized = count
    }
    let file = "the program's classifier of digits"
    let reader = try SafetensorsReader(bytes, named: file)
    // It was trained in bf16, which a processor without it refuses; classifiers predict in fp32.
    let experiment = try Experiment(
      yaml: reader.metadata["figment.experiment"] ?? "", file: file,
      overrides: ["precision=fp32"])
    guard let domain = Domain(named: experiment.data),
      let step = reader.metadata["figment.step"].flatMap({ Int($0) })
    else { throw FigmentError(path: file, problem: "has no step, or its data have no name") }
    let runtime = try Runtime(seed: experiment.seed, threads: threads)
    let parameters = Parameters(experiment.model.root)
    let model = try experiment.model.model(forExamplesOf: domain.shape, parameters)
    for variable in parameters.variables {
      let name = experiment.weights.name(variable)
      try runtime.restore(variable: name, shape: variable.shape, try reader.values(of: name))
    }
    return Run(
      experiment: experiment, domain: domain, classes: (0..<10).map { "\($0)" },
      runtime: runtime, model: model, parameters: parameters, step: step)
  }
}
