import TensorCore

/// The learned score, the gradient of the log-density of x_t.
///
/// It is -ε̂(x_t, t) / β̄_t (Song and Ermon 2019; Ho et al. 2020, §3.2).
public final class ScoreField {
  private let schedule: NoiseSchedule
  private let program: Program
  private let x, time, label: Tensor
  private let noise: Tensor
  private let count: Int
  private let width: Int
  private let classes: Int?

  /// Creates the field for `count` points at a time.
  ///
  /// - Parameter weights: Maps the raw weights to those that are read, such as their exponential
  ///   moving average.
  /// - Throws: `TensorError` if the model's expressions are invalid.
  public init(
    _ model: GaussianDiffusion, _ runtime: Runtime, count: Int, weights: (Tensor) -> Tensor = { $0 }
  ) throws {
    schedule = model.schedule
    self.count = count
    classes = model.denoiser.classes
    width = model.denoiser.shape.product
    let x = Tensor.input("x", [count] + model.denoiser.shape)
    let time = Tensor.input("time", [count])
    let label = Tensor.input("label", [count])
    noise = weights(model.denoiser(x, time, label: model.denoiser.classes == nil ? nil : label))
    (self.x, self.time, self.label) = (x, time, label)
    program = try runtime.compile("score", [noise], sharesDraws: true)
  }

  /// The score at each of `points`, [count] + shape, at time t from 1 to T; for one class if the
  /// model has classes.
  public func callAsFunction(_ points: [Float], time t: Int, label: Int = 0) throws -> [Float] {
    guard points.count == count * width, (1...schedule.times).contains(t) else {
      throw TensorError(
        "expected \(count) examples and a time from 1 to \(schedule.times), found \(points.count) numbers at \(t)"
      )
    }
    try program.fill(x, with: points)
    try program.fill(time, with: [Float](repeating: Float(t - 1), count: count))
    if let classes {
      guard (0..<classes).contains(label) else {
        throw TensorError("expected a class from 0 to \(classes - 1), found \(label)")
      }
      try program.fill(self.label, with: [Float](repeating: Float(label), count: count))
    }
    program.run(at: 0)
    let scale = Float(-1 / schedule.betaBar[t])
    return try program.values(noise).map { scale * $0 }
  }
}
