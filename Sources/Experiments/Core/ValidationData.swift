import Datasets
import Domains
import Support

extension Experiment {
  /// Validation data, or nil if the model has no bound to watch or the data have no such split.
  ///
  /// - Throws: `FigmentError` if the experiment stops early and there are none.
  package func validation(directory: String) throws -> TrainingData? {
    guard model.hasBound else { return nil }
    do {
      let data = try TrainingData(data, directory: directory, split: .validation, note: { _ in })
      if patience == nil, case .ownPoints(let points, _) = data,
        Split.validation.rows(of: points.count).isEmpty
      {
        return nil
      }
      return data
    } catch let error as FigmentError {
      if patience != nil { throw FigmentError("\(error) (patience: null trains without them)") }
      return nil
    }
  }
}
