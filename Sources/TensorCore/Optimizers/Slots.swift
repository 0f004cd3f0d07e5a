/// The state and the surroundings of a link, for one parameter.
public struct Slots {
  /// The parameter that is being changed.
  public let parameter: Variable
  /// Numbers that are the same for all parameters in this step.
  public let globals: Globals
  /// The number of this step, from one.
  public var step: Tensor { globals.step }
  /// The number of this step, from one, counted from where the state began.
  public internal(set) var age: Tensor
  /// The parameter before this step; inside `lazy`, the rows that change.
  public var value: Tensor { rows.map { parameter.value.gather($0) } ?? parameter.value }
  var updates: [Update] = []
  /// State that counts steps: an average of two counts is the count of nothing.
  var counts: Set<Variable> = []

  /// The rows of the parameter that change, where a link works on these alone.
  var rows: Tensor?
  /// Number of steps that went by without a change of each row, where it matters.
  var missed: Tensor?

  init(_ parameter: Variable, _ globals: Globals) {
    (self.parameter, self.globals, age) = (parameter, globals, globals.step)
  }

  /// Numbers that are computed once a step, before the chains.
  public struct Globals: Sendable {
    /// The number of this step, from one.
    public let step: Tensor
    /// The Euclidean norm of all gradients together.
    public let gradientNorm: Tensor
  }

  /// Keeps a value from step to step, as `parameter/name` in a checkpoint, and returns its
  /// replacement.
  ///
  /// - Parameters:
  ///   - initial: The value before the first step, zeros by default. The parameter's `value` in it is
  ///     the value that the parameter has when the state is made.
  ///   - share: The fraction of it that a step with a gradient of zero leaves.
  ///   - isCount: True if it counts or numbers steps, so that no other link may average it.
  public mutating func keep(
    _ name: String, initially initial: Tensor? = nil, fading share: Double = 1,
    isCount: Bool = false, _ next: (Tensor) -> Tensor
  ) -> Tensor {
    keep(
      as: "\(parameter.name)/\(name)", initially: initial, fading: share, isCount: isCount, next)
  }

  /// Keeps a copy of the parameter that expressions can read, see `Weights`; it starts as the parameter.
  public mutating func keep(_ copy: Weights, _ next: (Tensor) -> Tensor) -> Tensor {
    keep(as: copy.name(parameter), initially: parameter.value, next)
  }

  mutating func keep(
    as name: String, initially initial: Tensor? = nil, fading share: Double = 1,
    isCount: Bool = false, _ next: (Tensor) -> Tensor
  ) -> Tensor {
    let variable = Variable(name, initially: initial ?? .zeros(parameter.shape))
    if isCount { counts.insert(variable) }
    var update = Update(variable, variable.value, rows: rows)
    var old = update.old
    if let missed, share < 1 {
      // 0 to the power 0 is 1.
      old = (share > 0 ? power(share, missed) : missed < Tensor(0.5)) * old
    }
    update.value = next(old)
    updates.append(update)
    return update.value
  }
}
