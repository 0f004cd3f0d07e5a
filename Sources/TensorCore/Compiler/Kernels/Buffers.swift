// Questions that every pass over kernels asks of a listing.

extension Listing {
  /// The buffer that holds the elements of an instruction's result: a reshape shares its input's.
  package func buffer(of position: Position) -> Buffer {
    var position = position
    while self[position].operation == .reshape { position = self[position].inputs[0] }
    return Buffer(position: position)
  }

  /// All buffers, in the order of their instructions.
  var buffers: [Buffer] {
    instructions.indices.filter { self[$0].operation != .reshape }.map { Buffer(position: $0) }
  }

  /// The buffers that an instruction reads.
  func operands(_ buffer: Buffer) -> [Buffer] { self[buffer].inputs.map { self.buffer(of: $0) } }

  /// The buffers of the live-outs.
  package var liveOutBuffers: Set<Buffer> { Set(liveOut.map { buffer(of: $0) }) }

  /// The buffers that outlive a run, or are there before it: memory plans leave them out.
  package var lastingBuffers: Set<Buffer> {
    liveOutBuffers.union(buffers.filter { isSource($0) })
  }

  package func isSource(_ buffer: Buffer) -> Bool { self[buffer].operation.role == .source }

  func isElementwise(_ buffer: Buffer) -> Bool {
    self[buffer].operation.role == .elementwise || isView(buffer)
  }

  /// True if a cluster reads the input in place, through strides.
  func isView(_ buffer: Buffer) -> Bool {
    if case .broadcast = self[buffer].operation { return true }
    if case .slice = self[buffer].operation { return self[buffer].count > 1 }
    return isJoin(buffer)
  }

  /// True for two arrays side by side, which a cluster can read where they are.
  func isJoin(_ buffer: Buffer) -> Bool {
    guard case .concatenate = self[buffer].operation else { return false }
    return self[buffer].inputs.count == 2
  }

  /// The buffers that a cluster reads.
  func reads(_ cluster: Cluster) -> Set<Buffer> {
    Set(cluster.loads + cluster.views.flatMap { operands($0) })
  }

  /// The iteration space of a reduction.
  func form(_ reduction: Buffer) -> ReductionForm {
    ReductionForm(
      self[self[reduction].inputs[0]].shape, reducing: self[reduction].operation.reducedAxes ?? [])
  }

  /// A view as axes of (length, distance in the source's array), without axes that merge with their
  /// neighbour.
  func viewAxes(_ view: Buffer) -> [(size: Int, stride: Int)] {
    let source = self[self[view].inputs[0]].shape
    let shape = self[view].shape
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

  /// The element of the source's array where a view begins.
  func viewOffset(_ view: Buffer) -> Int {
    guard case .slice(let starts) = self[view].operation else { return 0 }
    return zip(starts, self[self[view].inputs[0]].shape.strides).map(*).reduce(0, +)
  }

  /// Gives live-outs that are sources, or the same result twice, buffers of their own.
  func anchored() -> Listing {
    var result = self
    func copied(_ position: Position) -> Position {
      let source = self[position]
      return result.instructions.append(
        .init(operation: .broadcast, inputs: [position], shape: source.shape, path: source.path))
    }
    result.outputs = outputs.map { isSource(buffer(of: $0)) ? copied($0) : $0 }
    let outputBuffers = Set(outputs.map { buffer(of: $0) })
    var updated: Set<Buffer> = []
    for u in updates.indices {
      let value = buffer(of: updates[u].value)
      let isShared = !updated.insert(value).inserted || outputBuffers.contains(value)
      if isSource(value) || isShared { result.updates[u].value = copied(updates[u].value) }
    }
    return result
  }
}
