extension Schedule: Checkable {
  /// The first kernel that would read a buffer too soon or too late, or tile that is used before it is computed.
  package var mistake: String? {
    guard groups.reduce(0, +) == kernels.count else {
      return "groups of \(groups.reduce(0, +)) kernels, of which there are \(kernels.count)"
    }
    var made: [Buffer: Int] = [:]
    let group = groupOfKernel
    for k in kernels.indices {
      for read in kernels[k].reads where !listing.isSource(read) {
        guard let when = made[read], when < group[k] || kernels[k].writes.contains(read) else {
          return "kernel \(k.offset) reads \(read) before it is made"
        }
      }
      for write in kernels[k].writes { made[write] = group[k] }
      if let problem = mistake(in: kernels[k]) { return problem }
    }
    return lateReader()
  }

  /// A kernel that reads a variable's old value after it has been overwritten.
  private func lateReader() -> String? {
    var overwritten: [Variable: KernelIndex] = [:]
    for k in kernels.indices {
      for read in kernels[k].reads {
        if case .variable(let variable) = listing[read].operation, let by = overwritten[variable] {
          return "kernel \(k.offset) reads \(variable.name) after kernel \(by.offset) overwrote it"
        }
      }
      for write in kernels[k].writes {
        if let variable = inPlace[write] { overwritten[variable] = k }
      }
    }
    return nil
  }

  private func mistake(in kernel: Kernel) -> String? {
    guard case .clusters(let phases) = kernel.body else { return nil }
    for cluster in phases.clusters {
      var known = Set(cluster.loads + cluster.views)
      for operation in cluster.tiles.operations {
        if let missing = operation.operands.first(where: { !known.contains($0) }) {
          return "the tile \(operation.result) is computed before its operand \(missing)"
        }
        known.insert(operation.result)
      }
      if let missing = cluster.tiles.reductions.first(where: { !known.contains($0.source) }) {
        return "the tile \(missing.source) is reduced and not computed"
      }
    }
    return nil
  }
}
