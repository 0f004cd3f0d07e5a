/// The gradient of a loss with respect to one parameter.
public enum Gradient: Sendable {
  /// A number for each number of the parameter.
  case dense(Tensor)
  /// Zero outside of a few rows.
  case rows(TouchedRows)

  /// The gradient in the form that is cheaper: rows where it is that of one `gather` of few rows.
  init(_ gradient: Tensor) { self = TouchedRows(gradient).map { .rows($0) } ?? .dense(gradient) }

  /// The gradient in the parameter's shape.
  public var whole: Tensor {
    switch self {
    case .dense(let gradient): gradient
    case .rows(let touched): touched.whole
    }
  }

  /// The sum of the squares of all its numbers.
  var squaredNorm: Tensor {
    switch self {
    case .dense(let gradient): gradient.squared().sum()
    case .rows(let touched): touched.squaredNorm
    }
  }

  /// The product with a single number; rows stay rows.
  public func scaled(by factor: Tensor) -> Gradient {
    switch self {
    case .dense(let gradient): .dense(factor * gradient)
    case .rows(let touched): .rows(touched.scaled(by: factor))
    }
  }

  /// The sum of two gradients of one parameter: rows where both are rows, and few together.
  public static func + (a: Gradient, b: Gradient) -> Gradient {
    guard case .rows(let first) = a, case .rows(let second) = b else {
      return .dense(a.whole + b.whole)
    }
    return Gradient(first.scatter(with: second))
  }
}

/// A loss and its gradients with respect to parameters: the input of an optimizer.
///
/// Gradients of several losses with respect to the same parameters can be weighted and added:
///
///     let (a, b) = (Gradients(of: fit, withRespectTo: p), Gradients(of: penalty, withRespectTo: p))
///     let descent = adam(1e-3).descent(along: a + b.scaled(by: Tensor(0.1)))
public struct Gradients: Sendable {
  /// The single number that the gradients are of.
  public let loss: Tensor
  /// The parameters, in the order they were made.
  public let variables: [Variable]
  /// The gradient of each of `variables`.
  public let gradients: [Gradient]
  /// The Euclidean norm of all gradients together.
  public let norm: Tensor
  /// 1 where the loss and every gradient are finite, else 0.
  public let isFinite: Tensor
  /// The path of the parameters, which names the count of steps.
  let path: String

  /// Differentiates `loss` with respect to every parameter.
  ///
  /// - Parameters:
  ///   - loss: A single number.
  ///   - held: Variables that the loss reaches and that stay as they are.
  ///
  /// A variable that the loss reaches and that is neither a parameter nor held makes the gradients
  /// invalid, with its name.
  public init(
    of loss: Tensor, withRespectTo parameters: Parameters, holding held: [Variable] = []
  ) {
    let known = Set(parameters.variables + held)
    var loss = loss
    for node in topologicalOrder([loss.node]) {
      if case .variable(let variable) = node.operation, !known.contains(variable) {
        loss = .invalid(
          "the loss reaches \(variable.name), which is neither updated nor held", [loss])
        break
      }
    }
    let dense = TensorCore.gradients(of: loss, withRespectTo: parameters.tensors)
    self.init(loss, parameters.path, parameters.variables, dense.map { Gradient($0) })
  }

  private init(_ loss: Tensor, _ path: String, _ variables: [Variable], _ gradients: [Gradient]) {
    (self.loss, self.path, self.variables) = (loss, path, variables)
    self.gradients = gradients
    let squares = gradients.map(\.squaredNorm)
    norm = sqrt(squares.dropFirst().reduce(squares.first ?? Tensor(0), +))
    isFinite = (abs(loss) < Tensor(.infinity)) * (norm < Tensor(.infinity))
  }

  /// The loss and the gradients times a single number.
  public func scaled(by factor: Tensor) -> Gradients {
    Gradients(factor * loss, path, variables, gradients.map { $0.scaled(by: factor) })
  }

  /// The sum of two losses, and its gradients.
  ///
  /// Where the parameters differ, the result is invalid, with the paths of both.
  public static func + (a: Gradients, b: Gradients) -> Gradients {
    guard a.variables == b.variables, a.path == b.path else {
      let loss = Tensor.invalid(
        "gradients with respect to \(a.path) and to \(b.path) cannot be added: expected the same "
          + "parameters", [a.loss, b.loss])
      return Gradients(loss, a.path, a.variables, a.variables.map { _ in .dense(loss) })
    }
    return Gradients(
      a.loss + b.loss, a.path, a.variables, zip(a.gradients, b.gradients).map { $0 + $1 })
  }
}
