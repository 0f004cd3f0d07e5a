/// The parameters of a model, in the order they were made, each named by its path.
///
/// `make` is the only way to get one, so none is forgotten by an optimizer or a checkpoint.
public final class Parameters {
  private final class List {
    var variables: [Variable] = []
    var names: Set<String> = []
  }

  /// The prefix of the names made here.
  public let path: String
  private let list: List

  /// An empty list, whose names all begin with `name`.
  public convenience init(_ name: String) { self.init(name, List()) }

  private init(_ path: String, _ list: List) {
    self.path = path
    self.list = list
  }

  /// A part of the model: the same list, with a longer path.
  public subscript(_ name: String) -> Parameters { Parameters("\(path)/\(name)", list) }

  /// Every parameter of the whole model, in the order they were made.
  public var variables: [Variable] { list.variables }
  /// The parameters whose names begin with this path, as a list of their own: one network of two that
  /// are trained in turn.
  public var part: Parameters {
    let part = List()
    part.variables = variables.filter { $0.name.hasPrefix(path + "/") }
    part.names = Set(part.variables.map(\.name))
    return Parameters(path, part)
  }
  /// The values of `variables`.
  public var tensors: [Tensor] { variables.map(\.value) }
  /// The number of numbers in all parameters.
  public var count: Int { variables.reduce(0) { $0 + $1.shape.product } }

  /// The value of a new parameter, whose initial value is `initial`; draws in that depend on the seed and
  /// this parameter's name alone.
  public func make(_ name: String, _ initial: Tensor) -> Tensor {
    let variable = Variable("\(path)/\(name)", .parameter, initially: initial)
    guard list.names.insert(variable.name).inserted else {
      return .invalid("parameter \(variable.name) is made twice")
    }
    list.variables.append(variable)
    return variable.value
  }
}

/// A function from tensor to tensor that names the operations it is made of.
public struct Layer: Sendable {
  /// Its path in the model, which names its operations.
  public let path: String
  private let body: @Sendable (Tensor) -> Tensor

  /// A layer whose nodes are named by the path of `parameters`.
  public init(_ parameters: Parameters, _ body: @escaping @Sendable (Tensor) -> Tensor) {
    path = parameters.path
    self.body = body
  }

  /// The expression of this layer's value at `x`.
  public func callAsFunction(_ x: Tensor) -> Tensor { Scope.$path.withValue(path) { body(x) } }
}

/// A layer of several inputs, such as `MultiInputLayer<Tensor, Tensor?>`, which names what it traces.
public struct MultiInputLayer<each Input>: Sendable {
  /// The path of the layer in the model.
  public let path: String
  private let body: @Sendable (repeat each Input) -> Tensor

  /// A layer whose nodes are named by the path of `parameters`.
  public init(
    _ parameters: Parameters, _ body: @escaping @Sendable (repeat each Input) -> Tensor
  ) {
    path = parameters.path
    self.body = body
  }

  /// The expression of this layer's value at its inputs.
  public func callAsFunction(_ input: repeat each Input) -> Tensor {
    Scope.$path.withValue(path) { body(repeat each input) }
  }
}

/// The layers, each applied to the result of the one before.
public func sequential(_ layers: [Layer], _ parameters: Parameters) -> Layer {
  Layer(parameters) { x in layers.reduce(x) { $1($0) } }
}
