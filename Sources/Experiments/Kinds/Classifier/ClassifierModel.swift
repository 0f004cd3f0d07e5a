import Classifier
import Domains
import Likelihood
import TensorCore

/// A classifier of images.
package struct ClassifierModel: Model {
  package static let kind = ClassifierSettings.kind

  /// The network.
  package let classifier: ImageClassifier

  package func stages(
    _ batch: BatchInput, step: Tensor, _ parameters: Parameters, _ experiment: Experiment
  ) -> [Stage] {
    guard let labels = batch.labels else {
      return [
        experiment.stage(
          batch.examples.failing("a classifier is told no classes"), parameters)
      ]
    }
    let objective = classifier.objective(batch.examples, labels)
    return [experiment.stage(objective.loss, parameters, parts: [("accuracy", objective.accuracy)])]
  }

  package func validation(
    _ weights: (Tensor) -> Tensor, _ data: TrainingData, _ experiment: Experiment,
    _ runtime: Runtime
  ) throws -> (any Validating)? {
    try AccuracyValidation(classifier, weights, data, experiment, runtime)
  }

  package func sampler(
    _ runtime: Runtime, batch: Int, weights: (Tensor) -> Tensor, _ experiment: Experiment
  ) throws -> (any SeededSampler)? { nil }

  package func pictureFiles(_ domain: Domain) -> [String] { [Drawing.confusion] }

  package func draw(
    _ drawing: Drawing, _ run: Run, _ data: TrainingData, report: @escaping (Int) throws -> Void
  ) throws {
    try drawing.drawConfusion(run, classifier, data)
  }

  package func estimators(of run: Run) -> (known: [Estimator], reason: String) {
    ([], "a classifier predicts classes of images, not their density")
  }
}
