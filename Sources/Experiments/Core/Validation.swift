import Formats

/// Evaluation of a model on validation data, always with the same draws.
package protocol Validating {
  /// Metrics of the current weights.
  func run() throws -> ValidationFigures
}

/// Metrics on validation data.
package struct ValidationFigures {
  /// Quantity to maximise: a mean log-probability in nats per example.
  package let bound: Double
  /// Metrics for a line of metrics; bounds are negated there, comparable to the training loss.
  package let metrics: [(name: String, value: JSONValue)]
  /// Warning for the user if it persists.
  package var warning: String?
}
