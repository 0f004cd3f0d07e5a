import Configuration
import Datasets
import Domains
import Glibc
import Support
import TensorCore

extension Experiment {
  /// Schema of every key of an experiment file.
  static let schema = Schema<Self>([
    .name("name", \.name, default: .required, "Name of the run, and of its folder in outputs."),
    .text(
      "data", \.data, default: .required,
      what: "a name from `figment data list`, or a path containing a / or a .",
      known: KnownSets.names, pattern: "[/.]|^~$", "Data to learn."
    ).known(as: "dataset", "dataPath", "dataDir").rule("data") { try $0.resolveData($1) },
    .unsigned("seed", \.seed, "Seed of all random draws.")
      .known(as: "randomSeed", "manualSeed"),
    .int(
      "steps", \.steps, default: .required, in: 1...16_000_000,
      "Total number of training steps; the learning-rate decay ends there."
    ).known(
      as: "epochs", "numEpochs", "nEpochs", "maxEpochs", "iterations", "iters", "nIter", "numSteps",
      "maxSteps", "trainSteps", "totalSteps"),
    .int("batch", \.batch, in: 1...65_536, "Number of examples per step.")
      .known(as: "batchSize", "bs", "minibatch", "trainBatchSize"),
    .optionalInt(
      "patience", \.patience, in: 1...100_000,
      "Number of epochs without improvement on validation data before training ends; null for all steps."
    ).known(as: "earlyStopping"),
    .mapping("model", \.model, ModelKinds.schema, "Model to train.")
      .rule("model.network") { experiment, error in
        if let failure = experiment.shape.flatMap(experiment.model.failure) { throw error(failure) }
      },
    .word(
      "binarisation", \.binarisation,
      default: .computed(
        "dynamic for images whose pixels have a probability (likelihood: bernoulli), else none"
      ) { $0.model.binarisation(forExamplesOf: $0.shape) },
      "Conversion of image bytes to zeros and ones: drawn afresh each time, drawn once, or thresholded at 128."
    ).known(as: "binarize", "binarization").written(after: "data")
      .rule("binarisation") { experiment, error in
        let word = experiment.binarisation.rawValue
        if experiment.shape?.count == 1, experiment.binarisation != .none {
          throw error("\(word) needs images, but the data are points; expected none")
        }
        if experiment.binarisation == .none, experiment.model.needsBits {
          throw error(
            "none, but model.target: bits needs pixels that are zeros or ones; expected dynamic, static or threshold"
          )
        }
      }
      .rule("patience") { experiment, error in
        if experiment.patience != nil, !experiment.model.hasBound {
          throw error(
            "early stopping needs a metric on validation data, which \(experiment.model.kind) lacks; "
              + "expected null")
        }
      },
    .word(
      "precision", \.wantedPrecision, default: .value(.auto),
      "Number format of storage and products; auto is bf16 if the processor has it and the model gains much."
    ).known(as: "dtype", "bf16", "fp16", "amp", "mixedPrecision").written(after: "patience")
      .rule("precision") { experiment, error in
        if experiment.precision == .bf16, !Precision.hasBF16 {
          throw error("this processor cannot multiply bf16; expected auto or fp32")
        }
      },
    .mapping("optimizer", \.optimizer, OptimizerSettings.schema, "Optimizer and its settings."),
    .mapping(
      "sampling", \.sampling, SamplingSettings.schema,
      from: {
        SamplingSettings(
          times: $0.model.scheduleTimes, samplers: $0.model.samplers,
          forPoints: $0.shape.map { $0.count == 1 } ?? $0.model.isForPoints)
      }, "Sampling during and after training; options of commands override it."
    ).when(.init(ModelKinds.clause { $0.drawsSamples }) { $0.model.drawsSamples })
      .rule("sampling.guidance") { experiment, error in
        if experiment.sampling.reverse?.guidance != nil, !experiment.model.canBeGuided {
          throw error(experiment.model.guidanceProblem)
        }
      },
    .mapping("report", \.report, ReportSettings.schema, "Intervals of output."),
  ])

  /// Description of the schema without its types.
  package static let description = schema.description(initial)

  /// An experiment with defaults only, before a file is read.
  static var initial: Experiment { Experiment(DDPMSettings()) }

  /// Hints for keys that are unknown where they are used.
  static let hints = KeyHints(description)

  /// Shape of one example, if the name of the data determines it.
  private var shape: [Int]? { Domain(named: data)?.shape }

  /// Values of `precision`.
  private enum WantedPrecision: String, CaseIterable, Sendable {
    case auto, fp32, bf16
  }

  private var wantedPrecision: WantedPrecision {
    get { WantedPrecision(rawValue: precision.rawValue) ?? .auto }
    set {
      precision =
        Precision(rawValue: newValue.rawValue)
        ?? (model.gainsFromBF16 && Precision.hasBF16 ? .bf16 : .fp32)
    }
  }

  /// Checks the name of the data, and expands "~" to the user's home folder.
  private mutating func resolveData(_ error: (String) -> FigmentError) throws {
    if data == "~" || data.hasPrefix("~/") {
      // The shell does not expand "~" in a file or after an equals sign.
      guard let home = getenv("HOME").map({ String(cString: $0) }), !home.isEmpty else {
        throw error("~ is the home folder, and HOME is not set; expected a path")
      }
      data = home + data.dropFirst()
      return
    }
    let isPath = data.contains("/") || data.contains(".")
    guard !isPath, !KnownSets.names.contains(data) else { return }
    let hint = nearest(to: data, among: KnownSets.names).map { "; did you mean \(quoted($0))?" }
    throw error(
      "expected one of \(KnownSets.names.joined(separator: ", ")), or a path with a /, found "
        + printable(data) + (hint ?? ""))
  }
}
