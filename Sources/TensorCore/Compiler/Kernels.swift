/// A program as kernels: each reads and writes whole arrays.
package struct KernelListing: Sendable {
  package enum Body: Sendable {
    /// Elementwise work and reductions.
    case clusters(Phases)
    /// Single numbers, by position, computed in Double in this order.
    case scalars([Int])
    /// A matrix product or a correlation, and what is added to it on the way.
    case contraction(Contraction)
    /// Another instruction with a kernel of its own.
    case instruction(Int)
  }

  package struct Kernel: Sendable {
    package var body: Body
    /// Arrays read and written, by the position of the instruction that makes them.
    package var reads: [Int]
    package var writes: [Int]
  }

  package var listing: Listing
  package var kernels: [Kernel]

  /// The instruction whose array holds the elements of `position`: reshapes share their input's.
  package func home(_ position: Int) -> Int { listing.home(position) }
}

/// Clusters that run one after the other over each block of examples while it is in the cache.
package struct Phases: Sendable {
  package var clusters: [Cluster]
  /// Into how many equal blocks the outermost axis of every cluster is cut; 1 for a single cluster.
  package var blocks = 1
  /// Arrays that only later phases read: they need memory for one block per worker.
  package var locals: Set<Int> = []

  /// What the clusters store or reduce to.
  var writes: Set<Int> { Set(clusters.flatMap { $0.stores + $0.reductions }) }
}

/// A contraction whose result is stored as `result`: the instruction at `position`, plus a bias
/// along the last axis, plus another array.
package struct Contraction: Sendable {
  package var position: Int
  package var result: Int
  /// The array of the bias.
  package var bias: Int?
  /// The array whose place the result takes.
  package var addend: Int?
}

/// One pass over an iteration space: elementwise members, of which some are stored and some
/// reduced.
package struct Cluster: Sendable {
  /// The number of elements of the iteration space.
  package var count: Int
  /// Elementwise instructions whose values are stored.
  package var stores: [Int]
  /// Reductions computed on the way.
  package var reductions: [Int]
  /// Elementwise instructions that are computed, in order.
  package var members: [Int] = []
  /// Arrays read element by element.
  package var loads: [Int] = []
  /// Broadcasts, slices and joins read in place, through strides.
  package var views: [Int] = []
  /// The iteration space seen by the reductions; [count, 1, 1] without.
  package var form: Form
  /// The axes that the views and the form need.
  package var sizes: [Int] = []
  /// A single number: where it is 0 the stores are what their variables are anyway, and nothing runs.
  package var gate: Int?

  package struct Form: Hashable, Sendable {
    package var outer, reduced, inner: Int
  }
}

extension Listing {
  package func home(_ position: Int) -> Int {
    var position = position
    while instructions[position].operation == .reshape {
      position = instructions[position].inputs[0]
    }
    return position
  }

  func isElementwise(_ position: Int) -> Bool {
    switch instructions[position].operation {
    case .unary, .binary, .select: true
    default: isView(position)
    }
  }

  /// Whether a cluster reads its input in place, through strides.
  func isView(_ position: Int) -> Bool {
    switch instructions[position].operation {
    case .broadcast: true
    case .slice: instructions[position].count > 1
    case .concatenate: isJoin(position)
    default: false
    }
  }

  /// Whether it puts two arrays side by side, which a cluster can read where they are.
  func isJoin(_ position: Int) -> Bool {
    guard case .concatenate = instructions[position].operation else { return false }
    return instructions[position].inputs.count == 2
  }

  func isReduction(_ position: Int) -> Bool {
    switch instructions[position].operation {
    case .sum, .maximum: true
    default: false
    }
  }

  /// Whether it multiplies and sums: a matrix product or one of the correlations.
  package func isContraction(_ position: Int) -> Bool {
    switch instructions[position].operation {
    case .matmul, .convolution, .convolutionInput, .convolutionFilter: true
    default: false
    }
  }

  package func isSource(_ position: Int) -> Bool {
    switch instructions[position].operation {
    case .input, .variable, .constant, .literal: true
    default: false
    }
  }

  /// The iteration space of a reduction as [outer, reduced, inner]; simplification has made its
  /// axes neighbours.
  func form(_ reduction: Int) -> Cluster.Form {
    let shape = instructions[instructions[reduction].inputs[0]].shape
    let axes: [Int] =
      switch instructions[reduction].operation {
      case .sum(let axes), .maximum(let axes): axes.filter { shape[$0] > 1 }
      default: []
      }
    guard let first = axes.first, let last = axes.last else {
      return .init(outer: shape.product, reduced: 1, inner: 1)
    }
    return .init(
      outer: shape[..<first].reduce(1, *), reduced: shape[first...last].reduce(1, *),
      inner: shape[(last + 1)...].reduce(1, *))
  }

  /// A view as axes of (length, distance in the source's array), without axes that merge with their
  /// neighbour.
  func viewAxes(_ view: Int) -> [(size: Int, stride: Int)] {
    let source = instructions[instructions[view].inputs[0]].shape
    let shape = instructions[view].shape
    let strides = source.strides
    var axes: [(size: Int, stride: Int)] = []
    for axis in shape.indices where shape[axis] > 1 {
      // A slice of more than one has a source of more.
      let stride = source[axis] == 1 ? 0 : strides[axis]
      if let last = axes.last, last.stride == stride * shape[axis] {
        axes[axes.count - 1] = (last.size * shape[axis], stride)
      } else {
        axes.append((shape[axis], stride))
      }
    }
    return axes
  }

  /// Where a view begins in the source's array.
  func viewOffset(_ view: Int) -> Int {
    guard case .slice(let starts) = instructions[view].operation else { return 0 }
    return zip(starts, instructions[instructions[view].inputs[0]].shape.strides).map(*).reduce(0, +)
  }

  /// Gives outputs and updates that are sources, or the same value twice, arrays of their own.
  func anchored() -> Listing {
    var result = self
    var updated: Set<Int> = []
    func copied(_ position: Int) -> Int {
      let source = instructions[position]
      result.instructions.append(
        .init(operation: .broadcast, inputs: [position], shape: source.shape, path: source.path))
      return result.instructions.count - 1
    }
    result.outputs = outputs.map { isSource(home($0)) ? copied($0) : $0 }
    let outputHomes = Set(outputs.map { home($0) })
    result.updates = updates.map { update in
      let value = home(update.value)
      let shared = !updated.insert(value).inserted || outputHomes.contains(value)
      let own = isSource(value) || shared ? copied(update.value) : update.value
      return (update.variable, own, update.rows)
    }
    return result
  }
}
