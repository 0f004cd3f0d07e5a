import Configuration
import Datasets
import Domains
import Glibc
import Support
import TensorCore

extension Experiment {
  /// Every key of an experiment file.
  static let schema = Schema<Self>([
    .name("name", \.name, default: .required, "What the run is called, and its folder in outputs."),
    .text(
      "data", \.data, default: .required,
      what: "a set of `figment data list`, or a path with a / or a . in it",
      known: KnownSets.names, pattern: "[/.]|^~$", "The data to learn."
    ).known(as: "dataset", "dataPath", "dataDir").rule("data") { try $0.resolveData($1) },
    .unsigned("seed", \.seed, "The key of every draw; another seed, another run.")
      .known(as: "randomSeed", "manualSeed"),
    .int(
      "steps", \.steps, default: .required, in: 1...16_000_000,
      "Training steps in all, and where a falling rate ends."
    ).known(
      as: "epochs", "numEpochs", "nEpochs", "maxEpochs", "iterations", "iters", "nIter", "numSteps",
      "maxSteps", "trainSteps", "totalSteps"),
    .int("batch", \.batch, in: 1...65_536, "Examples a step.")
      .known(as: "batchSize", "bs", "minibatch", "trainBatchSize"),
    .optionalInt(
      "patience", \.patience, in: 1...100_000,
      "Epochs without a better figure on validation data before training ends; null for all steps."
    ).known(as: "earlyStopping"),
    .mapping("model", \.model, ModelKinds.schema, "What is trained.")
      .rule("model.network") { experiment, error in
        if let failure = experiment.shape.flatMap(experiment.model.failure) { throw error(failure) }
      },
    .word(
      "binarisation", \.binarisation,
      default: .computed(
        "dynamic for images whose pixels have a probability (likelihood: bernoulli), else none"
      ) { $0.model.binarisation(forExamplesOf: $0.shape) },
      "How the bytes of images become zeros and ones: drawn anew each time, drawn once, or cut at 128."
    ).known(as: "binarize", "binarization").written(after: "data")
      .rule("binarisation") { experiment, error in
        let word = experiment.binarisation.rawValue
        if experiment.shape?.count == 1, experiment.binarisation != .none {
          throw error("\(word) is for images, and the data are points; expected none")
        }
      }
      .rule("patience") { experiment, error in
        if experiment.patience != nil, !experiment.model.hasBound {
          throw error(
            "early stopping needs a figure on validation data, which \(experiment.model.kind) has not; "
              + "expected null")
        }
      },
    .word(
      "precision", \.wantedPrecision, default: .value(.auto),
      "How numbers are stored and multiplied: auto is bf16 where the processor has it and it gains much."
    ).known(as: "dtype", "bf16", "fp16", "amp", "mixedPrecision").written(after: "patience")
      .rule("precision") { experiment, error in
        if experiment.precision == .bf16, !Precision.hasBF16 {
          throw error("this processor does not multiply bf16; expected auto or fp32")
        }
      },
    .mapping("optimizer", \.optimizer, OptimizerSettings.schema, "How it is trained."),
    .mapping(
      "sampling", \.sampling, SamplingSettings.schema,
      from: {
        SamplingSettings(
          times: $0.model.scheduleTimes,
          forPoints: $0.shape.map { $0.count == 1 } ?? $0.model.isForPoints)
      }, "How samples are drawn, during and after training, unless a command says otherwise."
    ).when(.init(ModelKinds.clause { $0.drawsSamples }) { $0.model.drawsSamples }),
    .mapping("report", \.report, ReportSettings.schema, "How often a run writes something."),
  ])

  /// The schema without types.
  package static let description = schema.description(initial)

  /// The defaults, before a file is read.
  static var initial: Experiment { Experiment(DDPMSettings()) }

  /// What is said of keys that are unknown where they stand.
  static let hints = KeyHints(description)

  /// The shape of one example, where the name of the data says it.
  private var shape: [Int]? { Domain(named: data)?.shape }

  /// The words of `precision`.
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

  /// Checks the name of the data, and puts the user's folder in the place of "~".
  private mutating func resolveData(_ error: (String) -> FigmentError) throws {
    if data == "~" || data.hasPrefix("~/") {
      // No shell has seen it: it stands in a file, or behind an equals sign.
      guard let home = getenv("HOME").map({ String(cString: $0) }), !home.isEmpty else {
        throw error("~ is the folder of the user, and HOME is not set; expected a path")
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
