import TensorCore

/// The log-density of a flow at given points, in fp32.
public final class FlowDensity {
  private let program: Program
  private let examples, density: Tensor

  /// Creates the density for `batch` examples at a time.
  ///
  /// - Parameters:
  ///   - batch: Examples at once, at least 1; made a multiple of 4, so that a density depends on its own example alone.
  ///   - weights: Maps the raw weights to those that are read, such as their exponential moving
  ///     average.
  /// - Throws: `TensorError` if the model's expressions are invalid.
  public init(
    _ model: NormalizingFlow, _ runtime: Runtime, batch: Int, weights: (Tensor) -> Tensor = { $0 }
  ) throws {
    examples = .input("examples", [(batch + 3) / 4 * 4] + model.shape)
    density = weights(model.logDensity(examples))
    program = try runtime.compile("density", [density], sharesDraws: true)
  }

  /// log p(x) in nats for each of `examples`, [count] + shape: [count].
  ///
  /// - Throws: `TensorError` unless the count of numbers is a multiple of an example's.
  public func callAsFunction(_ examples: [Float]) throws -> [Float] {
    try program.values(density, inBatchesOf: self.examples, examples)
  }
}
