/// A factor that depends on the number of the step, from one.
///
/// Evaluated in Double, once a run.
public struct Rate: Sendable, ExpressibleByFloatLiteral {
  private let body: @Sendable (Tensor) -> Tensor

  /// The factor that `body` returns for a step.
  public init(_ body: @escaping @Sendable (Tensor) -> Tensor) { self.body = body }
  /// The same factor at every step.
  public init(_ value: Double) { self.init { _ in Tensor(value) } }
  /// The same factor at every step.
  public init(floatLiteral value: Double) { self.init(value) }

  /// The factor at `step`.
  public func callAsFunction(_ step: Tensor) -> Tensor { body(step) }

  /// The negative.
  public var negated: Rate { Rate { -self($0) } }

  /// Rises linearly from 0 over the first `steps` steps.
  public func warmedUp(over steps: Int) -> Rate {
    steps <= 0 ? self : Rate { minimum($0 / Double(steps), 1) * self($0) }
  }

  /// Falls to `floor` times itself along half a cosine, at step `total`.
  ///
  /// See Loshchilov and Hutter 2017, eq. 5.
  public func cosine(until total: Int, floor: Double = 0) -> Rate {
    Rate { step in
      let progress = minimum(step / Double(max(1, total)), 1)
      return (floor + (1 - floor) * 0.5 * (1 + cos(.pi * progress))) * self(step)
    }
  }

  /// Falls linearly to `floor` times itself at step `total`.
  public func linear(until total: Int, floor: Double = 0) -> Rate {
    Rate { step in
      let progress = minimum(step / Double(max(1, total)), 1)
      return (1 - (1 - floor) * progress) * self(step)
    }
  }
}
