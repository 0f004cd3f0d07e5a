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

/// Judges images of digits by a classifier, against digits that neither it nor any run was trained on.
package final class DigitEvaluation {
  /// By what and of how many images.
  package let setting: DigitSetting
  private let judge: Judge
  private let reference: DigitReference
  private let threads: Int
  private let test, training: LabelledTable
  private let shape: [Int]
  /// The images of the training part, and what finds the nearest of them: made for the first sheet.
  private lazy var gallery = training.table.bytes.map { Float($0) }
  private lazy var search = Result {
    try Neighbours(width: shape.product, try Runtime(seed: 0, threads: threads))
  }

  /// The data set that runs are judged on.
  package static let dataset = "mnist"

  /// An evaluation by the classifier of a run.
  ///
  /// - Parameters:
  ///   - count: How many images are judged each time, and compared with as many of the validation part.
  /// - Throws: `FigmentError` where the run is no classifier of digits, or the data are missing or fewer.
  package init(
    _ classifier: Run, count: Int, dataDirectory: String, threads: Int
  ) throws {
    let model = try classifier.model(
      ClassifierModel.self, for: "judging digits"
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
    let validation = try part(.validation)
    guard count <= min(test.table.rows, validation.table.rows) else {
      throw FigmentError(
        "\(count) images are to be judged, and there are \(test.table.rows) of the test part; "
          + "expected no more")
    }
    setting = DigitSetting(
      dataset: Self.dataset, classifier: try classifier.weightsDigest, count: count)
    judge = try Judge(model, classifier.runtime, classifier.reading)
    reference = try DigitReference(
      try judge(try validation.table.chosen(count)), classifier.runtime)
    (self.threads, shape) = (threads, model.shape)
  }

  /// What the best and a bad generator would get.
  ///
  /// The one draws digits of the test part. The other has collapsed: it draws ten images, the first of each
  /// class in the training part, with normal noise of standard deviation 8 on each pixel of 0 to 255.
  package func baselines() throws -> [JudgedDigits] {
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
      JudgedDigits(
        name: name, latent: nil, step: nil, setting: setting,
        figures: try reference.figures(of: try judge(images)))
    }
  }

  /// The figures of samples of a run, as models see them: as many as the setting says.
  ///
  /// They are judged as the pictures that a sheet would show, at 256 levels of grey.
  package func judge(
    _ samples: [Float], of run: Run, name: String, latent: LatentDraw
  ) throws -> JudgedDigits {
    let images = try ByteTable(bytes(samples, run), rowShape: shape)
    return JudgedDigits(
      name: name, latent: latent, step: run.step, setting: setting,
      figures: try reference.figures(of: try judge(images)))
  }

  private func bytes(_ samples: [Float], _ run: Run) throws -> [UInt8] {
    try Bitmap.batch(
      samples, range: run.range, height: shape[0], width: shape[1], channels: shape[2]
    ).flatMap(\.pixels)
  }

  /// A PNG of ten samples, each beside the six images of the training part that differ least from it, by
  /// the sum of squared differences of pixels.
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
  /// Some of the rows, the same ones each time, in an order of their own.
  fileprivate func chosen(_ count: Int) throws -> ByteTable {
    let size = rowShape.product
    let rows = Batches.rows(step: 0, batch: count, count: rows, seed: 0)
    return try ByteTable(
      rows.flatMap { bytes[$0 * size..<($0 + 1) * size] }, rowShape: rowShape)
  }
}

/// What there is to judge a run by.
package enum Yardstick: Equatable, Sendable {
  /// The density of a 2-D set.
  case set
  /// A classifier of digits.
  case digits
  /// The labels of test data, for classifiers.
  case labels
}

extension Run {
  /// What there is to judge the run by.
  ///
  /// - Throws: `PassedOver` for runs on other data.
  package func yardstick() throws -> Yardstick {
    if !experiment.model.drawsSamples { return .labels }
    if case .points(let plane) = domain, plane.set != nil { return .set }
    if experiment.data == DigitEvaluation.dataset { return .digits }
    throw PassedOver(
      "evaluate is for 2-D sets whose density is known, digits (data: \(DigitEvaluation.dataset)) and "
        + "classifiers; \(experiment.name) was trained on \(printable(experiment.data))")
  }

  /// The accuracy of a classifier on a part of its data, and -log p(label | image) in nats.
  ///
  /// - Throws: `FigmentError` for other kinds of runs, and where the data are missing.
  package func accuracy(
    on split: Split, dataDirectory: String
  ) throws -> (share: Statistic, loss: Statistic) {
    let judge = try Judge(
      try model(ClassifierModel.self, for: "accuracy").classifier, runtime, reading)
    let images = try LabelledTable(
      try TrainingData(experiment.data, directory: dataDirectory, split: split)
        .ordered(byClasses: classes, experiment.data), experiment)
    let accuracy = Accuracy(try judge(images.table), labels: images.labels)
    return (accuracy.share, accuracy.loss)
  }
}
