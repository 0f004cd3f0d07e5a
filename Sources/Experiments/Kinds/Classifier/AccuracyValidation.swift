import Classifier
import Domains
import Formats
import TensorCore

/// Validation of a classifier by its accuracy.
final class AccuracyValidation: Validating {
  private let predictor: Predictor
  private let images: LabelledTable

  /// Makes a validation.
  ///
  /// - Throws: `FigmentError` if the data have no labels.
  init(
    _ classifier: ImageClassifier, _ weights: (Tensor) -> Tensor, _ data: TrainingData,
    _ experiment: Experiment, _ runtime: Runtime
  ) throws {
    predictor = try Predictor(classifier, runtime, weights)
    images = try LabelledTable(data, experiment)
  }

  func run() throws -> ValidationFigures {
    let accuracy = Accuracy(try predictor(images.table), labels: images.labels)
    return ValidationFigures(
      bound: -accuracy.loss.mean,
      metrics: [
        ("validationLoss", .number(accuracy.loss.mean)),
        ("validationAccuracy", .number(accuracy.share.mean)),
      ])
  }
}
