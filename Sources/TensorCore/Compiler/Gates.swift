extension Schedule {
  /// Lets clusters that do nothing but update variables, to a new value where a number is not 0 and to the
  /// old one where it is, look at that number once instead of at every element.
  ///
  /// Such is every update of `minimize`, the number being whether the step is finite.
  mutating func gate() {
    for k in kernels.indices {
      guard case .clusters(var phases) = kernels[k].body, phases.clusters.count == 1,
        let gate = gate(of: phases.clusters[0])
      else { continue }
      phases.clusters[0].gate = gate
      kernels[k].body = .clusters(phases)
    }
  }

  private func gate(of cluster: Cluster) -> Int? {
    let gates = Set(cluster.stores.map { gate(ofStore: $0) })
    guard cluster.reductions.isEmpty, gates.count == 1 else { return nil }
    return gates.first ?? nil
  }

  private func gate(ofStore store: Int) -> Int? {
    let select = listing.instructions[store]
    guard select.operation == .select, let variable = inPlace[store],
      case .variable(variable) = listing.instructions[listing.home(select.inputs[2])].operation,
      case .broadcast = listing.instructions[listing.home(select.inputs[0])].operation
    else { return nil }
    let repeated = listing.instructions[listing.home(select.inputs[0])].inputs[0]
    return listing.instructions[repeated].count == 1 ? listing.home(repeated) : nil
  }
}
