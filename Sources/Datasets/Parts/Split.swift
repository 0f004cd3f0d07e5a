/// A part of a data set that a figure can be about.
public enum Split: String, CaseIterable, Sendable {
  /// What models are trained on.
  case train
  /// For early stopping and for choosing settings.
  case validation
  /// For the figures that are reported.
  case test

  /// The fewest rows of a user's own data that are split.
  public static let fewestRows = 100

  /// The rows of this part among `count` rows of a user's own data, ascending.
  ///
  /// Of every ten rows, in the order of the data and counted from 1, the ninth is for validation,
  /// the tenth for testing and the others for training: data that is sorted, by class for one, is
  /// represented in each part, and rows that are appended move no other.  Fewer than `fewestRows`
  /// rows are all for training.  Rows that are almost the same and follow each other, as the
  /// pictures of a film do, end up on both sides: a figure on such a test part is no evidence.
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
