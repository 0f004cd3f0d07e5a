import Configuration
import Datasets
import Domains
import Glibc
import Support
import TensorCore

/// Everything that decides the numbers of a run, as an experiment file holds it.
package struct Experiment: Sendable {
  /// What the run and its folder are called.
  package var name = ""
  /// The data: one of `KnownSets.names`, or the path of a user's own, with a "/" or a "." in it.
  package var data = ""
  /// How the bytes of images become zeros and ones, if they do.
  package var binarisation = Binarisation.none
  /// The key of all draws.
  package var seed: UInt64 = 0
  /// Steps in all, which is also the horizon of the learning rate.
  package var steps = 0
  /// Examples a step.
  package var batch = 128
  /// Epochs without a better validation bound after which training ends, or nil: all steps.
  package var patience: Int?
  /// How numbers are stored and multiplied in training and sampling; likelihoods are fp32 always.
  package var precision = Precision.fp32
  /// What is trained.
  package var model: any ModelSettings
  /// How it is trained.
  package var optimizer = OptimizerSettings()
  /// How samples are drawn, during and after training.
  package var sampling = SamplingSettings()
  /// How often something is written.
  package var report = ReportSettings()

  /// What is read into.
  init(_ model: any ModelSettings) { self.model = model }

  /// Checks that the model fits `data`: before a run folder is made for nothing.
  ///
  /// - Throws: `FigmentError` where it does not; of known data sets this is said when the file
  ///   is read.
  package func check(_ data: TrainingData) throws {
    let shape = data.domain.shape
    if let failure = model.failure(forExamplesOf: shape) {
      throw FigmentError(origin: self.data, key: "model.network", problem: failure)
    }
    if shape.count == 1, binarisation != .none {
      throw FigmentError(
        origin: self.data, key: "binarisation",
        problem: "\(binarisation.rawValue) is for images, and the data are points; expected none")
    }
  }

  /// What will come of data that have classes without examples: a line for each.
  package func warnings(_ data: TrainingData) -> [String] {
    guard let classes = model.classCount, case .images(_, let labels?) = data else { return [] }
    let seen = Set(labels.bytes)
    let missing = (0..<classes).filter { !seen.contains(UInt8(clamping: $0)) }
    guard !missing.isEmpty else { return [] }
    let names = missing.prefix(10).map { quoted(labels.name($0)) }.joined(separator: ", ")
    let more = missing.count > 10 ? ", and \(missing.count - 10) more" : ""
    return [
      "model.classes: \(classes), and the data for training have no examples of \(names)\(more): "
        + "nothing is learned of such a class"
    ]
  }
}

/// How often a run writes something, in steps.
package struct ReportSettings: Equatable, Sendable {
  /// A line of metrics: the mean loss of that many steps.
  package var metricsEvery = 50
  /// A sheet of samples.
  package var samplesEvery = 1000
  /// A checkpoint.
  package var checkpointEvery = 1000

  static let schema = Schema<Self>([
    .int(
      "metricsEvery", \.metricsEvery, in: 1...1_000_000,
      "Steps between two lines of metrics, each the mean of those steps."
    ).known(as: "logEvery", "logInterval", "logFreq"),
    .int("samplesEvery", \.samplesEvery, in: 1...16_000_000, "Steps between two sheets of samples.")
      .known(as: "sampleEvery", "sampleInterval"),
    .int("checkpointEvery", \.checkpointEvery, in: 1...16_000_000, "Steps between two checkpoints.")
      .known(as: "saveEvery", "saveInterval", "checkpointInterval"),
  ])
}

extension Experiment: Equatable {
  package static func == (a: Experiment, b: Experiment) -> Bool {
    a.name == b.name && a.data == b.data && a.binarisation == b.binarisation && a.seed == b.seed
      && a.steps == b.steps && a.batch == b.batch && a.patience == b.patience
      && a.precision == b.precision && a.model.isEqual(to: b.model) && a.optimizer == b.optimizer
      && a.sampling == b.sampling && a.report == b.report
  }
}

extension Experiment {
  /// Which weights samples are drawn with, and figures are of.
  package var weights: Weights {
    patience != nil ? .best : optimizer.weights
  }

  /// How the run samples step by step.
  ///
  /// - Throws: `TensorError` for models that sample in one pass.
  package func reverse() throws -> SamplingSettings.Reverse {
    guard let reverse = sampling.reverse else {
      throw TensorError("\(name) is a \(model.kind), which samples in one pass")
    }
    return reverse
  }
}
