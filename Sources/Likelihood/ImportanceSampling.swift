import Support
import TensorCore
import VAE

/// Bounds of a VAE's log p(x) from draws of its posterior, in fp32 with sums in double precision.
///
/// One pass gives the evidence lower bound and the importance-weighted bound from the same draws.
/// Draws are processed in blocks, so that memory does not grow with their number; draw k of an
/// example is a function of the example's key and of k, independent of the batch and the number of
/// draws.
package final class ImportanceSampling: Estimating {
  /// K, the number of draws per example.
  package let draws: Int
  private let wanted: [Estimator]
  private let block: Int
  private let program: BatchedProgram
  private let x, keys: Tensor
  private let logLikelihood, logRatio, divergence: Tensor

  /// - Parameters:
  ///   - draws: K, at least 1.
  ///   - estimators: `elbo`, `iwae` or both.
  ///   - batch: Examples computed at once, by default as many as fill a cache; rounded up to a
  ///     multiple of 4, see `BatchedProgram`.
  ///   - weights: Maps the raw weights to those that are read, such as their exponential moving
  ///     average.
  /// - Throws: `TensorError` for fewer than one draw, or if the model's expressions are invalid.
  package init(
    _ model: VariationalAutoencoder, _ runtime: Runtime, draws: Int,
    estimators: [Estimator] = [.elbo, .iwae],
    batch: Int? = nil, weights: (Tensor) -> Tensor = { $0 }
  ) throws {
    guard draws >= 1 else { throw TensorError("K must be at least 1, not \(draws)") }
    self.draws = draws
    wanted = estimators
    block = min(draws, 50)
    let batch = BatchedProgram.batch(atLeast: batch ?? max(4, min(400, 2000 / block)))
    x = .input("x", [batch] + model.shape)
    keys = .seeds("keys", batch)
    let q = model.posterior(x)
    let z = q.draws(block, keys: keys)
    logLikelihood = weights(model.logLikelihood(of: x, at: z.points))
    logRatio = weights(z.logRatio)
    divergence = weights(q.divergence)
    let compiled = try runtime.compile(
      "likelihood", [logLikelihood, logRatio, divergence], sharesDraws: true)
    program = BatchedProgram(compiled, batch: batch)
  }

  private var blocks: Int { (draws + block - 1) / block }

  /// Number of passes, each over one block of draws of one batch.
  package func steps(count: Int) -> Int { program.batches(of: count).count * blocks }

  /// One estimate for each of the estimators, in their order.
  package func estimates(of examples: Examples, report: (Int) throws -> Void) throws -> [Estimate] {
    let start = ContinuousClock.now
    let count = examples.keys.count
    var weights = [LogMeanExp](repeating: LogMeanExp(), count: count)
    var reconstruction = [Double](repeating: 0, count: count)
    var divergences = reconstruction
    var done = 0
    let program = program.program
    try examples.forEachBatch(of: self.program, x, keys) { batch in
      let (first, rows) = (batch.lowerBound, batch.count)
      for index in 0..<blocks {
        program.run(at: UInt64(index))
        // The last block may have more draws than remain of K.
        let used = min(block, draws - index * block)
        try program.read(logLikelihood) { likelihoods in
          try program.read(logRatio) { ratios in
            for row in 0..<rows {
              for place in row * block..<row * block + used {
                let likelihood = Double(likelihoods[place])
                weights[first + row].add(likelihood + Double(ratios[place]))
                reconstruction[first + row] -= likelihood / Double(draws)
              }
            }
          }
        }
        done += 1
        try report(done)
      }
      try program.read(divergence) { span in
        for row in 0..<rows { divergences[first + row] = Double(span[row]) }
      }
    }
    let time = (ContinuousClock.now - start).seconds
    return wanted.map { estimator in
      switch estimator {
      case .iwae:
        Estimate(
          .iwae, samples: draws, values: weights.map(\.value),
          effectiveSamples: weights.map(\.effectiveCount), seconds: time)
      default:
        Estimate(
          .elbo, samples: draws, values: zip(reconstruction, divergences).map { -$0 - $1 },
          terms: [
            ("reconstruction", Statistic(reconstruction).mean), ("KL", Statistic(divergences).mean),
          ], seconds: time)
      }
    }
  }
}
