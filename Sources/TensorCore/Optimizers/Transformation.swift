/// Maps the change proposed for one parameter to a better one.
///
/// The first link of a chain is given the gradient; what the last returns is added to the
/// parameter.
public typealias Transformation = @Sendable (Tensor, inout Slots) -> Tensor

/// What a transformation may use and keep, for one parameter.
public struct Slots {
  /// The parameter that is being changed.
  public let parameter: Variable
  /// What is the same for all parameters in this step.
  public let globals: Globals
  /// The number of this step, from one.
  public var step: Tensor { globals.step }
  /// The number of this step, from one, counted from where the state began.
  public internal(set) var age: Tensor
  /// What the parameter holds before this step; inside `lazy`, of the rows that change.
  public var value: Tensor { rows.map { parameter.value.gather($0) } ?? parameter.value }
  var updates: [Update] = []
  /// Of what is kept, that which counts steps: an average of two counts is the count of nothing.
  var counts: Set<Variable> = []
  var replacements: [(inout Slots, Tensor) -> Tensor] = []

  /// The rows of the parameter that change, where a link works on these alone.
  var rows: Tensor?
  /// Steps that went by without a change of each row, where they count.
  var missed: Tensor?
  /// What is known of a gradient that is of few rows.
  var touched: TouchedRows?

  init(_ parameter: Variable, _ globals: Globals) {
    (self.parameter, self.globals, age) = (parameter, globals, globals.step)
  }

  /// What is computed once a step, before the chains.
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
  ///   - initial: Where it starts; zeros unless told. The parameter's `value` means what the
  ///     parameter holds when the state is made.
  ///   - share: What a step with a gradient of zero leaves of it.
  ///   - isCount: Whether it counts or numbers steps, so that no other link may average it.
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

  /// Lets `body` replace the parameter's new value, after the whole chain's change has been added
  /// to it.
  public mutating func replace(_ body: @escaping (inout Slots, Tensor) -> Tensor) {
    replacements.append(body)
  }
}

/// The links, each given what the one before proposes.
public func chain(_ links: Transformation...) -> Transformation {
  { change, slots in links.reduce(change) { $1($0, &slots) } }
}

/// The change, times a factor that may depend on the step.
public func scale(by rate: Rate) -> Transformation {
  { change, slots in rate(slots.step) * change }
}

/// Shrinks all changes together so that the norm of the gradients is at most `limit`.
///
/// See Pascanu et al. 2013, alg. 1.
public func clip(globalNorm limit: Double) -> Transformation {
  { change, slots in minimum(limit / maximum(slots.globals.gradientNorm, 1e-12), 1) * change }
}

/// Keeps every number of the parameters from -`limit` to `limit`.
///
/// See Arjovsky et al. 2017, algorithm 1.
public func clamp(_ limit: Double) -> Transformation {
  { change, slots in
    slots.replace { _, value in minimum(maximum(value, -limit), limit) }
    return change
  }
}

/// One step of an optimizer.
public struct Descent: Sendable {
  /// What to give `compile`.
  public let updates: [Update]
  /// The Euclidean norm of all gradients together, before clipping.
  public let gradientNorm: Tensor
  /// 1 where the loss and every gradient are finite, else 0: then the step leaves every variable as
  /// it was.
  public let isFinite: Tensor
  /// The updates without that condition: for measuring what it costs.
  package let uncheckedUpdates: [Update]
}

/// One step of `transformation` down `loss`.
///
/// - Parameters:
///   - loss: A single number.
///   - held: Variables that the loss reaches and that stay as they are.
/// - Returns: The updates of the parameters, of the optimizer's state and of the step count. A
///   variable that the loss reaches and that is neither a parameter nor held makes the updates
///   invalid, with its name.
public func minimize(
  _ loss: Tensor, _ parameters: Parameters, _ transformation: Transformation,
  holding held: [Variable] = []
) -> Descent {
  let known = Set(parameters.variables + held)
  var loss = loss
  for node in topologicalOrder([loss.node]) {
    if case .variable(let variable) = node.operation, !known.contains(variable) {
      loss = .invalid(
        "the loss reaches \(variable.name), which is neither updated nor held", [loss])
      break
    }
  }
  let gradients = gradients(of: loss, withRespectTo: parameters.tensors)
  let touched = zip(parameters.variables, gradients).map { TouchedRows($1, of: $0) }
  let squares = zip(gradients, touched).map { $1?.squaredNorm ?? $0.squared().sum() }
  let norm = sqrt(squares.dropFirst().reduce(squares.first ?? Tensor(0), +))
  let isFinite = (abs(loss) < Tensor(.infinity)) * (norm < Tensor(.infinity))

  let count = Variable("\(parameters.path)/step", initially: Tensor(0))
  let globals = Slots.Globals(step: count.value + 1, gradientNorm: norm)
  var updates = [Update(count, globals.step)]
  for (i, (parameter, gradient)) in zip(parameters.variables, gradients).enumerated() {
    var slots = Slots(parameter, globals)
    slots.touched = touched[i]
    let change = transformation(gradient, &slots)
    if let touched = slots.touched, let rows = touched.change(ifIn: change),
      slots.replacements.isEmpty
    {
      updates.append(
        Update(parameter, parameter.value.gather(touched.rows) + rows, rows: touched.rows))
      updates += slots.updates
      continue
    }
    var value = parameter.value + change
    for replacement in slots.replacements { value = replacement(&slots, value) }
    updates.append(Update(parameter, value))
    updates += slots.updates
  }
  return Descent(
    updates: updates.map { $0.where(isFinite) }, gradientNorm: norm, isFinite: isFinite,
    uncheckedUpdates: updates)
}
