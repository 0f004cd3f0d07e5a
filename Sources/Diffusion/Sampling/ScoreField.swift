import TensorCore

/// The learned score, the gradient of the log-density of x_t.
///
/// It is -ε̂(x, t)/s, or (a x̂_0 - x)/s² (Song and Ermon 2019; Ho et al. 2020, §3.2).
public final class ScoreField {
  private let path: NoisePath
  private let program: Program
  private let x, time, label, level: Tensor
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
    _ denoiser: Denoiser, _ runtime: Runtime, count: Int, weights: (Tensor) -> Tensor = { $0 }
  ) throws {
    path = denoiser.path
    self.count = count
    (classes, width) = (denoiser.classes, denoiser.shape.product)
    let x = Tensor.input("x", [count] + denoiser.shape)
    let time = Tensor.input("time", [count])
    let label = Tensor.input("label", [count])
    let level = Tensor.input("level", [2, 1])
    func factor(_ i: Int) -> Tensor { level.slice(axis: 0, from: i, count: 1).reshape([]) }
    noise = weights(
      denoiser.estimate(
        x, signal: factor(0), noise: factor(1), time: time, label: classes == nil ? nil : label
      ).noise)
    (self.x, self.time, self.label, self.level) = (x, time, label, level)
    program = try runtime.compile("score", [noise], sharesDraws: true)
  }

  /// The score at each of `points`, [count] + shape, at the path's time t, above 0 and at most 1; for
  /// one class if the model has classes.
  public func callAsFunction(_ points: [Float], time t: Double, label: Int = 0) throws -> [Float] {
    guard points.count == count * width, t > 0, t <= 1 else {
      throw TensorError(
        "expected \(count) examples and a time above 0 and at most 1, found \(points.count) numbers at \(t)"
      )
    }
    let level = path.level(at: t)
    try program.fill(x, with: points)
    if program.reads(time) {
      let value = Float(path.networkTime(at: t))
      try program.fill(time, with: [Float](repeating: value, count: count))
    }
    if program.reads(self.level) {
      try program.fill(self.level, with: [Float(level.signal), Float(level.noise)])
    }
    if let classes {
      guard (0..<classes).contains(label) else {
        throw TensorError("expected a class from 0 to \(classes - 1), found \(label)")
      }
      try program.fill(self.label, with: [Float](repeating: Float(label), count: count))
    }
    program.run(at: 0)
    let scale = Float(-1 / level.noise)
    return try program.values(noise).map { scale * $0 }
  }
}
