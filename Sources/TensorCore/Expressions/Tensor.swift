/// The value that an expression will have when a program runs: an immutable array of numbers, not
/// yet computed.
///
/// Operators build larger expressions and check shapes as they go. A mistake makes an *invalid*
/// expression that carries its message; everything built on it is invalid too, and compiling it
/// throws the message.
public struct Tensor: Sendable {
  package let node: Node
  /// The number that this was written as, where it is a literal.
  let number: Double?

  /// The length of each axis, outermost first; empty for a single number.
  public var shape: [Int] { node.shape }
  /// The number of axes.
  public var rank: Int { node.shape.count }
  /// The number of elements.
  public var count: Int { node.shape.product }
  /// The mistake in this expression, or nil if it is valid.
  public var failure: String? { node.failure }

  /// A single number.
  public init(_ value: Double) { self.init(.constant(value), [], []) }

  /// A number written in an expression.
  init(number: Double) { (node, self.number) = (Node(.constant(number), [], []), number) }

  package init(_ node: Node) { (self.node, number) = (node, nil) }

  package init(_ operation: Primitive, _ inputs: [Tensor], _ shape: [Int]) {
    let failure = inputs.lazy.compactMap(\.failure).first
    self.init(Node(operation, inputs.map(\.node), shape, failure: failure))
  }

  /// An expression that cannot be computed.
  ///
  /// `message` says why; the layer being traced is added.
  package static func invalid(_ message: String, _ inputs: [Tensor] = []) -> Tensor {
    let first = inputs.lazy.compactMap(\.failure).first
    let path = Scope.path
    let text = first ?? (path.isEmpty ? message : "\(path): \(message)")
    return Tensor(Node(.constant(.nan), [], [], failure: text))
  }
}

/// One operation applied to its inputs.
///
/// Immutable, so safe to share.
package final class Node: Sendable {
  package let operation: Primitive
  // Written only by `deinit`, when nobody else can hold a reference.
  nonisolated(unsafe) package private(set) var inputs: [Node]
  package let shape: [Int]
  /// The layer that was being traced when this node was made.
  package let path: String
  package let failure: String?

  package init(_ operation: Primitive, _ inputs: [Node], _ shape: [Int], failure: String? = nil) {
    self.operation = operation
    self.inputs = inputs
    self.shape = shape
    self.failure = failure
    path = Scope.path
  }

  // Releasing a long chain node by node would recurse once per node and overflow the stack.
  deinit {
    var pending = inputs
    inputs = []
    while var node = pending.popLast() {
      if isKnownUniquelyReferenced(&node) {
        pending += node.inputs
        node.inputs = []
      }
    }
  }
}

extension Node: Hashable {
  package static func == (a: Node, b: Node) -> Bool { a === b }
  package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

/// The path of the layer being traced, which names nodes in messages, listings and profiles.
package enum Scope {
  @TaskLocal package static var path = ""
}

/// Every node that `roots` depend on, inputs before users; among independent ones, in the order of
/// `roots`.
package func topologicalOrder(_ roots: [Node]) -> [Node] {
  var order: [Node] = []
  var seen: Set<Node> = []
  var stack = roots.reversed().map { ($0, false) }
  while let (node, expanded) = stack.popLast() {
    if expanded {
      order.append(node)
      continue
    }
    guard seen.insert(node).inserted else { continue }
    stack.append((node, true))
    for input in node.inputs.reversed() where !seen.contains(input) { stack.append((input, false)) }
  }
  return order
}

extension Tensor {
  /// An invalid expression that says `message`: for models to refuse what they are given.
  public func failing(_ message: String) -> Tensor { .invalid(message, [self]) }
}
