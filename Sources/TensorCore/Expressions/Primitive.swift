/// The closed set of operations.
///
/// Each has one rule per reading: its shape (Operators, ListingCheck), its gradient
/// (Gradient), its value (Reference) and its kernel (Emission).
package enum Primitive: Hashable, Sendable {
  // Sources.
  case input(String)
  case variable(Variable)
  case constant(Double)
  case literal([Double])
  /// A named draw; with keys, its one input holds a seed per row as four 16-bit digits.
  case draw(Distribution, name: String)
  /// A named draw of an angle at the concentrations of the first input; with keys, they are the second.
  case angle(dimension: Int, name: String)
  /// Rows of a table of bytes, by the index in the one input, as numbers from 0 to 255.
  case byteRows(ByteTable)
  // Elementwise.
  case unary(Unary)
  case binary(Binary)
  case select
  case special(Special)
  // Movement.
  case reshape
  case broadcast
  case transpose([Int])
  /// The block that starts at these indices; the shape is the node's.
  case slice([Int])
  /// The input at these indices of a larger array of zeros.
  case pad([Int])
  case concatenate(Int)
  /// The inputs as blocks that fill an array, each from these indices on.
  case blocks([[Int]])
  // Rows.
  case gather
  case scatter
  // Reductions, keeping the axes with length one.
  case sum([Int])
  case maximum([Int])
  /// The index of the first largest element along an axis.
  case argmax(Int)
  // Scans.
  /// The sum of the elements along an axis up to each, or from each on.
  case cumulativeSum(axis: Int, isReversed: Bool)
  // Contractions.
  case matmul(transposedLeft: Bool, transposedRight: Bool)
  case convolution(Convolution)
  case convolutionInput(Convolution)
  case convolutionFilter(Convolution)
  // Control.
  case stop
}

/// The kind of work that a primitive is, which decides what computes it.
enum Role {
  /// Numbers that are there before the program runs.
  case source
  /// Random numbers, rows of tables, functions evaluated in Double: each has a kernel of its own.
  case own
  /// Arithmetic element by element.
  case elementwise
  /// The same elements in the same order: nothing to compute.
  case identity
  /// Elements of the one input, each any number of times.
  case selection
  /// The inputs as parts of a larger array.
  case assembly
  case reduction
  case contraction
}

extension Primitive {
  var role: Role {
    switch self {
    case .input, .variable, .constant, .literal: .source
    case .draw, .angle, .byteRows, .gather, .scatter, .special, .argmax, .cumulativeSum: .own
    case .unary, .binary, .select: .elementwise
    case .reshape, .stop: .identity
    case .broadcast, .transpose, .slice: .selection
    case .pad, .concatenate, .blocks: .assembly
    case .sum, .maximum: .reduction
    case .matmul, .convolution, .convolutionInput, .convolutionFilter: .contraction
    }
  }

  /// The name of a random draw.
  var drawName: String? {
    if case .draw(_, let name) = self { return name }
    if case .angle(_, let name) = self { return name }
    return nil
  }

  /// The kind and name of an input or a variable: one of each in a program.
  var sourceLabel: String? {
    if case .input(let name) = self { return "input \(name)" }
    if case .variable(let variable) = self { return "variable \(variable.name)" }
    return nil
  }

  /// The axes of a reduction.
  var reducedAxes: [Int]? {
    if case .sum(let axes) = self { return axes }
    if case .maximum(let axes) = self { return axes }
    return nil
  }
}

package enum Unary: String, Hashable, Sendable, CaseIterable {
  case negate, exp, expm1, log, log1p, sqrt, reciprocal, tanh, sin, cos, abs, sign, floor, erf
  case sigmoid, softplus
}

package enum Binary: String, Hashable, Sendable, CaseIterable {
  case add, subtract, multiply, divide, maximum, less, lessOrEqual, equal, power
}

/// The distribution of a draw.
package enum Distribution: String, Hashable, Sendable {
  /// On [0, 1).
  case uniform
  /// Mean 0, variance 1.
  case normal
}

/// A correlation of NHWC images with HWIO filters, zeros around the image.
///
/// How many zeros follow the last row and column, or how many of these are left over, is what the
/// shapes ask for.
package struct Convolution: Hashable, Sendable {
  package var stride: Int
  /// Zeros before the first row and column.
  package var top, left: Int

  package init(stride: Int, top: Int, left: Int) {
    (self.stride, self.top, self.left) = (stride, top, left)
  }

  package init(stride: Int, padding: Int) { self.init(stride: stride, top: padding, left: padding) }

  /// True if these are shapes of an image, a filter and their correlation.
  func accepts(image: [Int], filter: [Int], output: [Int]) -> Bool {
    guard image.count == 4, filter.count == 4, output.count == 4, image[0] == output[0],
      image[3] == filter[2], output[3] == filter[3], stride >= 1
    else { return false }
    return zip(1...2, [top, left]).allSatisfy { axis, near in
      let far = (output[axis] - 1) * stride + filter[axis - 1] - near - image[axis]
      return near >= 0 && output[axis] >= 1 && far > -stride
    }
  }
}

/// A named array that outlives a run.
///
/// Its storage belongs to a runtime, which evaluates `initial` when a program first needs it.
public struct Variable: Hashable, Sendable {
  /// The path that names it in checkpoints and messages.
  public let name: String
  /// The purpose of the array, which decides whether checkpoints hold it.
  public let kind: Kind
  package let initial: Node

  /// The purpose of a variable.
  public enum Kind: String, CaseIterable, Sendable {
    /// A part of a model that is learned; made by `Parameters.make`.
    case parameter
    /// State that a run needs to continue as if it had not been interrupted: moments, averages, counts.
    case state
    /// Contents that every run computes again or that may be lost; not in checkpoints.
    case scratch
  }

  /// A variable, evaluated from `initial` when a program first needs it.
  ///
  /// In one runtime, variables of one name are one array, and have to agree in shape and kind.
  public init(_ name: String, _ kind: Kind = .state, initially initial: Tensor) {
    self.name = name
    self.kind = kind
    self.initial = initial.node
  }

  /// Its value when the program begins to run.
  public var value: Tensor {
    Tensor(Node(.variable(self), [], initial.shape, failure: initial.failure))
  }
  /// The length of each axis.
  public var shape: [Int] { initial.shape }

  /// Variables are the same when their names are.
  public static func == (a: Variable, b: Variable) -> Bool { a.name == b.name }
  /// Hashes the name.
  public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

/// A variable and the expression that replaces its value when the run ends, all updates together.
public struct Update: Sendable {
  /// The variable whose value is replaced.
  public let variable: Variable
  /// The new value: of the variable's shape, or one row for each of `rows`.
  public var value: Tensor
  /// The rows that are replaced, from 0, or nil for the whole.
  ///
  /// Rows out of range are left out. A row that is named twice must be given the same value twice.
  public let rows: Tensor?

  /// Replaces the value of `variable`, or some of its rows, by `value`.
  public init(_ variable: Variable, _ value: Tensor, rows: Tensor? = nil) {
    self.variable = variable
    self.value = value
    self.rows = rows
  }

  /// The shape that the value must have.
  var shape: [Int] { rows.map { $0.shape + variable.shape.dropFirst() } ?? variable.shape }
  /// The old value: of the variable, or of its rows that are replaced.
  var old: Tensor { rows.map { variable.value.gather($0) } ?? variable.value }

  /// This update where the single number `condition` is not 0; else what is there stays.
  package func `where`(_ condition: Tensor) -> Update {
    Update(variable, select(condition, value, old), rows: rows)
  }
}

/// A data set of bytes that programs read by row: kept once in memory, never converted as a whole.
public final class ByteTable: Hashable, Sendable {
  /// The number of rows.
  public let rows: Int
  /// The shape of one row.
  public let rowShape: [Int]
  package var bytes: UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: address, count: count)
  }
  // Never written after `init`, and freed with this object.
  nonisolated(unsafe) package let address: UnsafePointer<UInt8>
  private let count: Int

  /// A table of `bytes.count / rowShape.product` rows.
  ///
  /// - Throws: `TensorError` if the bytes are not a whole number of rows, at least one.
  public init(_ bytes: [UInt8], rowShape: [Int]) throws {
    let width = rowShape.product
    guard width > 0, !bytes.isEmpty, bytes.count % width == 0 else {
      throw TensorError("\(bytes.count) bytes are not a whole number of rows of shape \(rowShape)")
    }
    let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes.count)
    copy.initialize(from: bytes, count: bytes.count)
    address = UnsafePointer(copy)
    count = bytes.count
    self.rowShape = rowShape
    rows = bytes.count / width
  }

  deinit { address.deallocate() }

  /// Tables are the same when they are one object.
  public static func == (a: ByteTable, b: ByteTable) -> Bool { a === b }
  /// Hashes the identity.
  public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

/// A mistake in an expression, or a program that cannot be built.
public struct TensorError: Error, CustomStringConvertible, Equatable {
  /// One line that names what is wrong, the value and what was expected.
  public let description: String

  /// An error that says `description`.
  public init(_ description: String) { self.description = description }
}
