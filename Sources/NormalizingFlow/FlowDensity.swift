import TensorCore

/// The log-density of a flow at given points, in fp32.
public final class FlowDensity {
  private let program: BatchedProgram
  private let examples, density: Tensor

  /// Creates the density for `batch` examples at a time.
  ///
  /// - Parameters:
  ///   - batch: Examples computed at once, at least 1; rounded up to a multiple of 4, see
  ///     `BatchedProgram`.
  ///   - weights: Maps the raw weights to those that are read, such as their exponential moving
  ///     average.
  /// - Throws: `TensorError` if the model's expressions are invalid.
  public init(
    _ model: CouplingFlow, _ runtime: Runtime, batch: Int, weights: (Tensor) -> Tensor = { $0 }
  ) throws {
    let batch = BatchedProgram.batch(atLeast: batch)
    examples = .input("examples", [batch] + model.shape)
    density = weights(model.logDensity(examples))
    program = BatchedProgram(
      try runtime.compile("density", [density], sharesDraws: true), batch: batch)
  }

  /// log p(x) in nats for each of `examples`, [count] + shape: [count].
  ///
  /// - Throws: `TensorError` unless the count of numbers is a multiple of an example's.
  public func callAsFunction(_ examples: [Float]) throws -> [Float] {
    try program.values(density, for: [.values(self.examples, examples)])
  }
}
