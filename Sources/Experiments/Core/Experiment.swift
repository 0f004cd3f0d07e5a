import Configuration
import Datasets
import Domains
import Glibc
import Support
import TensorCore

/// Settings that determine all numbers of a run, as in an experiment file.
package struct Experiment: Sendable {
  /// Name of the run and its folder.
  package var name = ""
  /// Data set: one of `KnownSets.names`, or the path of a user's own data, containing a "/" or a
  /// ".".
  package var data = ""
  /// Conversion of image bytes to zeros and ones, if any.
  package var binarisation = Binarisation.none
  /// Seed of all draws.
  package var seed: UInt64 = 0
  /// Total number of steps, and the horizon of the learning rate.
  package var steps = 0
  /// Number of examples per step.
  package var batch = 128
  /// Number of epochs without a better validation bound after which training ends, or nil to take
  /// all steps.
  package var patience: Int?
  /// Number format of storage and products in training and sampling; likelihoods always use fp32.
  package var precision = Precision.fp32
  /// Model to train.
  package var model: any ModelSettings
  /// Optimizer.
  package var optimizer = OptimizerSettings()
  /// Sampling during and after training.
  package var sampling = SamplingSettings()
  /// Intervals of output.
  package var report = ReportSettings()

  /// Makes an experiment with defaults, to be filled by the schema.
  init(_ model: any ModelSettings) { self.model = model }

  /// Checks that the model fits `data`, before a run folder is made.
  ///
  /// - Throws: `FigmentError` if it does not. For known data sets this is reported when the file is
  ///   read.
  package func check(_ data: TrainingData) throws {
    let shape = data.domain.shape
    if let failure = model.failure(forExamplesOf: shape) {
      throw FigmentError(origin: self.data, key: "model.network", problem: failure)
    }
    if shape.count == 1, binarisation != .none {
      throw FigmentError(
        origin: self.data, key: "binarisation",
        problem: "\(binarisation.rawValue) needs images, but the data are points; expected none")
    }
  }

  /// Warnings about classes without training examples, a line each.
  package func warnings(_ data: TrainingData) -> [String] {
    guard let classes = model.classCount, case .images(_, let labels?) = data else { return [] }
    let seen = Set(labels.bytes)
    let missing = (0..<classes).filter { !seen.contains(UInt8(clamping: $0)) }
    guard !missing.isEmpty else { return [] }
    let names = missing.prefix(10).map { quoted(labels.name($0)) }.joined(separator: ", ")
    let more = missing.count > 10 ? ", and \(missing.count - 10) more" : ""
    return [
      "model.classes: \(classes), but the training data have no examples of \(names)\(more); "
        + "the model cannot learn them"
    ]
  }
}

/// Intervals of output, in steps.
package struct ReportSettings: Equatable, Sendable {
  /// Steps per line of metrics, which averages the loss over them.
  package var metricsEvery = 50
  /// Steps per sample grid.
  package var samplesEvery = 1000
  /// Steps per checkpoint.
  package var checkpointEvery = 1000

  static let schema = Schema<Self>([
    .int(
      "metricsEvery", \.metricsEvery, in: 1...1_000_000,
      "Number of steps per line of metrics, each averaged over those steps."
    ).known(as: "logEvery", "logInterval", "logFreq"),
    .int(
      "samplesEvery", \.samplesEvery, in: 1...16_000_000,
      "Number of steps between sample grids."
    )
    .known(as: "sampleEvery", "sampleInterval"),
    .int(
      "checkpointEvery", \.checkpointEvery, in: 1...16_000_000,
      "Number of steps between checkpoints."
    )
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
  /// The weights used for sampling and evaluation.
  package var weights: Weights {
    patience != nil ? .best : optimizer.weights
  }

  /// The reverse process settings of the experiment.
  ///
  /// - Throws: `TensorError` for models that sample in one pass.
  package func reverse() throws -> SamplingSettings.Reverse {
    guard let reverse = sampling.reverse else {
      throw TensorError("\(name) is a \(model.kind), which samples in one pass")
    }
    return reverse
  }
}
