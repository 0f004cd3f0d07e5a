/// A split of a data set: training, validation or test.
public enum Split: String, CaseIterable, Sendable {
  /// Examples that models are trained on.
  case train
  /// Examples for early stopping and for choosing settings.
  case validation
  /// Examples for reported metrics.
  case test

  /// The least number of rows of a user's own data that are split.
  public static let fewestRows = 100

  /// The rows of this split among `count` rows of a user's own data, ascending.
  ///
  /// Of every ten rows, counted from 1 in the order of the data, the ninth is for validation,
  /// the tenth for testing and the others for training: sorted data, for example by class, is
  /// represented in each split, and appending rows moves no others. Fewer than `fewestRows`
  /// rows are all for training. Consecutive rows that are almost equal, such as
  /// frames of a film, end up in different splits: a metric on such a test split is no evidence.
  public func rows(of count: Int) -> [Int] {
    if count < Split.fewestRows { return self == .train ? Array(0..<count) : [] }
    return (0..<count).filter { row in
      switch row % 10 {
      case 8: self == .validation
      case 9: self == .test
      default: self == .train
      }
    }
  }
}
