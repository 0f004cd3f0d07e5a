import Formats

/// A model on validation data, always on the same draws.
package protocol Validating {
  /// The figures of the weights as they are.
  func run() throws -> ValidationFigures
}

/// What was found on validation data.
package struct ValidationFigures {
  /// What is to rise: a mean log probability, in nats per example.
  package let bound: Double
  /// As a line of metrics has them; bounds are losses there, to be compared with the training's.
  package let metrics: [(name: String, value: JSONValue)]
  /// What the user should know unless it passes.
  package var complaint: String?
}
