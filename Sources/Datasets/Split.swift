/// A part of a data set that a figure can be about.
public enum Split: String, CaseIterable, Sendable {
  /// What models are trained on.
  case train
  /// For early stopping and for choosing settings.
  case validation
  /// For the figures that are reported.
  case test
}
