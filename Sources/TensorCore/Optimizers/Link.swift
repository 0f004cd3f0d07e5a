/// A link of an optimizer: it makes one thing of another, for one parameter at a time.
///
/// The types say in which order links can stand:
///
/// - `Gradient` to `Gradient`: `clip`, `addPenalty`;
/// - `Gradient` to `Change`: `scaleByAdam`, `accumulateMomentum`, `descend`, `lazy`, and whole optimizers as
///   `adam` and `sgd`;
/// - `Change` to `Change`: `scale`, `addDecay`, `scaleByTrustRatio`;
/// - from what is known of the new value to the new value: `clamp`, `lookahead`, `average`.
///
/// `chain` joins links where the result of one is what the next is given, so that a clip behind Adam, or
/// anything behind an average, does not compile.
public struct Link<Given, Result>: Sendable {
  private let body: @Sendable (Given, inout Slots) -> Result

  /// A link that makes what `body` returns; state that it keeps is kept in the slots.
  public init(_ body: @escaping @Sendable (Given, inout Slots) -> Result) { self.body = body }

  /// The result for the parameter that `slots` are of.
  public func callAsFunction(_ given: Given, _ slots: inout Slots) -> Result { body(given, &slots) }
}

/// A link from gradient to gradient.
public typealias GradientRule = Link<Gradient, Gradient>
/// A link, or a chain of links, from gradient to change.
public typealias Optimizer = Link<Gradient, Change>
/// A link from change to change.
public typealias ChangeRule = Link<Change, Change>
/// A chain from gradient to new value, to which nothing can be added.
public typealias CompleteOptimizer = Link<Gradient, FinalValue>

/// Two links, the second given the result of the first.
public func chain<A, B, C>(_ a: Link<A, B>, _ b: Link<B, C>) -> Link<A, C> {
  Link { given, slots in
    let result = a(given, &slots)
    return b(result, &slots)
  }
}

/// Three links, each given the result of the one before.
public func chain<A, B, C, D>(_ a: Link<A, B>, _ b: Link<B, C>, _ c: Link<C, D>) -> Link<A, D> {
  chain(chain(a, b), c)
}

/// Four links, each given the result of the one before.
public func chain<A, B, C, D, E>(
  _ a: Link<A, B>, _ b: Link<B, C>, _ c: Link<C, D>, _ d: Link<D, E>
) -> Link<A, E> {
  chain(chain(a, b, c), d)
}

/// Five links, each given the result of the one before.
public func chain<A, B, C, D, E, F>(
  _ a: Link<A, B>, _ b: Link<B, C>, _ c: Link<C, D>, _ d: Link<D, E>, _ e: Link<E, F>
) -> Link<A, F> {
  chain(chain(a, b, c, d), e)
}

// MARK: What links make

/// The result of a chain for one parameter, from which its new value follows.
public protocol Outcome: Sendable {
  /// The new value of a whole parameter.
  func value(of parameter: Variable) -> Tensor
  /// The update of the parameter.
  func update(of parameter: Variable) -> Update
}

extension Outcome {
  /// The update of the whole parameter.
  public func update(of parameter: Variable) -> Update {
    Update(parameter, value(of: parameter))
  }
}

/// An outcome that an average may follow.
public protocol BeforeAverage: Outcome {}

/// An outcome that Lookahead may wrap and a clamp may follow.
public protocol BeforeLookahead: BeforeAverage {}

/// The number that is added to each number of a parameter.
public enum Change: BeforeLookahead {
  /// A change of the parameter's shape.
  case dense(Tensor)
  /// The change of each row that the gradient touches, [count, ...]; the others rest.
  case rows(Tensor, of: TouchedRows)

  /// The change in the parameter's shape.
  public var whole: Tensor {
    switch self {
    case .dense(let change): change
    case .rows(let change, let touched): touched.whole(change)
    }
  }

  /// The sum of the parameter and the change.
  public func value(of parameter: Variable) -> Tensor { parameter.value + whole }

  /// The update of the whole parameter, or of its touched rows alone.
  public func update(of parameter: Variable) -> Update {
    switch self {
    case .dense(let change): Update(parameter, parameter.value + change)
    case .rows(let change, let touched):
      Update(parameter, parameter.value.gather(touched.rows) + change, rows: touched.rows)
    }
  }
}

/// The new value of a parameter.
public struct NewValue: BeforeLookahead {
  private let value: Tensor
  /// The value, of the parameter's shape.
  public init(_ value: Tensor) { self.value = value }
  /// The value.
  public func value(of parameter: Variable) -> Tensor { value }
}

/// The new value of a parameter behind Lookahead.
public struct LookaheadValue: BeforeAverage {
  let value: Tensor
  /// The value.
  public func value(of parameter: Variable) -> Tensor { value }
}

/// The new value of a parameter at the end of a chain.
public struct FinalValue: Outcome {
  private let outcome: any Outcome
  init(_ outcome: any Outcome) { self.outcome = outcome }
  /// The value.
  public func value(of parameter: Variable) -> Tensor { outcome.value(of: parameter) }
  /// The update that the last link asks for.
  public func update(of parameter: Variable) -> Update { outcome.update(of: parameter) }
}

extension Link where Given == Gradient, Result: Outcome {
  /// The same chain, to which nothing can be added: one type for optimizers that differ in their last link.
  public var complete: CompleteOptimizer {
    CompleteOptimizer { gradient, slots in FinalValue(self(gradient, &slots)) }
  }
}
