import Datasets
import Domains
import Experiments
import Images
import Likelihood
import Quality
import Runs
import Sampling
import Support
import TensorCore

/// Evaluation of images of digits by a classifier, against digits on which neither it nor any run
/// was trained.
package final class DigitEvaluation {
  /// The classifier and the number of images.
  package let setting: DigitSetting
  private let predictor: Predictor
  private let reference: DigitReference
  private let threads: Int
  private let test, training: LabelledTable
  private let shape: [Int]
  /// Images of the training split and a nearest-neighbour search over them, made for the first
  /// sample grid.
  private lazy var gallery = training.table.bytes.map { Float($0) }
  private lazy var search = Result {
    try Neighbours(width: shape.product, try Runtime(seed: 0, threads: threads))
  }

  /// Data set that runs are evaluated on.
  package static let dataset = "mnist"

  /// Makes an evaluation by the classifier of a run.
  ///
  /// - Parameters:
  ///   - count: Number of images per evaluation, compared with all of the validation split.
  /// - Throws: `FigmentError` if the run is not a classifier of digits, or the data are missing or
  ///   too few.
  package init(
    _ classifier: Run, count: Int, dataDirectory: String, threads: Int
  ) throws {
    let model = try classifier.model(
      ClassifierModel.self, for: "evaluating digits"
    ).classifier
    guard classifier.experiment.data == Self.dataset else {
      throw FigmentError(
        "\(classifier.experiment.name) is a classifier of \(printable(classifier.experiment.data)); "
          + "expected one of \(Self.dataset)")
    }
    func part(_ split: Split) throws -> LabelledTable {
      try LabelledTable(
        try TrainingData(Self.dataset, directory: dataDirectory, split: split),
        classifier.experiment)
    }
    (test, training) = (try part(.test), try part(.train))
    guard count <= test.table.rows else {
      throw FigmentError(
        "--count: expected at most \(test.table.rows), the images of the test split, found \(count)"
      )
    }
    predictor = try Predictor(model, classifier.runtime, classifier.reading)
    // In random order, so that the jackknife's blocks are random.
    let validation = try part(.validation).table
    reference = try DigitReference(
      try predictor(try validation.chosen(validation.rows)), classifier.runtime)
    setting = DigitSetting(
      dataset: Self.dataset, classifier: try classifier.weightsDigest, count: count,
      referenceCount: reference.count)
    (self.threads, shape) = (threads, model.shape)
  }

  /// Metrics of the best possible and of a collapsed generator.
  ///
  /// The first draws digits of the test split. The second draws ten images, the first of each class
  /// in the training split, with normal noise of standard deviation 8 on each pixel (0 to 255).
  package func baselines() throws -> [EvaluatedDigits] {
    let size = shape.product
    let classes = (training.labels.max().map { Int($0) } ?? 0) + 1
    let modes = (0..<classes).compactMap { label in
      training.labels.firstIndex { Int($0) == label }
    }
    var noise = NormalPairs(seed: 0)
    let collapsed = (0..<setting.count).flatMap { i -> [UInt8] in
      let first = modes[i % modes.count] * size
      return training.table.bytes[first..<first + size].map { byte in
        UInt8(min(max(Double(byte) + 8 * noise.next(), 0), 255).rounded())
      }
    }
    return try [
      ("digits of the test part", test.table.chosen(setting.count)),
      ("ten digits repeated", ByteTable(collapsed, rowShape: shape)),
    ].map { name, images in
      EvaluatedDigits(
        name: name, latent: nil, sampler: nil, step: nil, setting: setting,
        figures: try reference.figures(of: try predictor(images)))
    }
  }

  /// Metrics of samples of a run, as models see them: as many as `setting.count`.
  ///
  /// The samples are first rounded to 256 grey levels, as in a sample grid.
  package func evaluate(
    _ samples: [Float], of run: Run, name: String, latent: LatentDraw,
    sampler: EvaluationSampler? = nil
  ) throws -> EvaluatedDigits {
    let images = try ByteTable(bytes(samples, run), rowShape: shape)
    return EvaluatedDigits(
      name: name, latent: latent, sampler: sampler, step: run.step, setting: setting,
      figures: try reference.figures(of: try predictor(images), asked: asked(of: run)))
  }

  /// Class that sample s of a run was asked for, s modulo the number of classes; nil if the run's
  /// classes are not the digits.
  private func asked(of run: Run) -> [Int]? {
    let classes = training.labels.max().map { Int($0) + 1 } ?? 0
    guard run.experiment.model.classCount == classes else { return nil }
    return (0..<setting.count).map { $0 % classes }
  }

  private func bytes(_ samples: [Float], _ run: Run) throws -> [UInt8] {
    try Bitmap.batch(
      samples, range: run.range, height: shape[0], width: shape[1], channels: shape[2]
    ).flatMap(\.pixels)
  }

  /// PNG of ten samples, each next to the six training images nearest to it by the sum of squared
  /// pixel differences.
  package func neighbours(_ samples: [Float], of run: Run, command: String) throws -> [UInt8] {
    let size = shape.product
    let shown = try bytes(Array(samples.prefix(10 * size)), run)
    let nearest = try search.get().nearest(6, to: shown.map { Float($0) }, among: gallery)
    func picture(_ bytes: some Sequence<UInt8>) throws -> Bitmap {
      try Bitmap(Array(bytes), height: shape[0], width: shape[1], channels: shape[2])
    }
    let gap = Bitmap(width: shape[1], height: shape[0], channels: shape[2], fill: 255)
    let pictures = try (0..<shown.count / size).flatMap { i -> [Bitmap] in
      let found = try nearest.indices[i * nearest.k..<(i + 1) * nearest.k].map {
        try picture(training.table.bytes[$0 * size..<($0 + 1) * size])
      }
      return [try picture(shown[i * size..<(i + 1) * size]), gap] + found
    }
    let sheet = try Images.sampleGrid(
      of: pictures, columns: nearest.k + 2, scale: 2, background: 255)
    return try PNG.encode(
      try panels(
        [Panel("", sheet)], columns: 1,
        title: "samples, and the training images nearest by pixels"),
      text: pictureText(run.experiment, step: run.step, command: command))
  }
}

extension ByteTable {
  /// A fixed random subset of the rows, in random order.
  fileprivate func chosen(_ count: Int) throws -> ByteTable {
    let size = rowShape.product
    let rows = Batches.rows(step: 0, batch: count, count: rows, seed: 0)
    return try ByteTable(
      rows.flatMap { bytes[$0 * size..<($0 + 1) * size] }, rowShape: rowShape)
  }
}

/// Reference that the samples of a run are evaluated against.
package enum EvaluationReference: Equatable, Sendable {
  /// Density of a 2-D set.
  case set
  /// Classifier of digits.
  case digits
  /// Labels of test data, for classifiers.
  case labels
}

extension Run {
  /// The reference for evaluating this run.
  ///
  /// - Throws: `SkippedPath` for runs on other data.
  package func evaluationReference() throws -> EvaluationReference {
    if !experiment.model.drawsSamples { return .labels }
    if case .points(let plane) = domain, plane.set != nil { return .set }
    if experiment.data == DigitEvaluation.dataset { return .digits }
    throw SkippedPath(
      "evaluate: needs a 2-D set with a known density, digits (data: \(DigitEvaluation.dataset)) or a "
        + "classifier; \(experiment.name) was trained on \(printable(experiment.data))")
  }

  /// Accuracy of a classifier on a split of its data, and the mean of -log p(label | image) in
  /// nats.
  ///
  /// - Throws: `FigmentError` for other kinds of runs, or if the data are missing.
  package func accuracy(
    on split: Split, dataDirectory: String
  ) throws -> (share: Statistic, loss: Statistic) {
    let predictor = try Predictor(
      try model(ClassifierModel.self, for: "accuracy").classifier, runtime, reading)
    let images = try LabelledTable(
      try TrainingData(experiment.data, directory: dataDirectory, split: split)
        .ordered(byClasses: classes, experiment.data), experiment)
    let accuracy = Accuracy(try predictor(images.table), labels: images.labels)
    return (accuracy.share, accuracy.loss)
  }
}
