/// Finds clusters that do nothing but update variables, to a new value where a number is not 0 and to the
/// old one where it is: they look at that number once instead of at every element.
///
/// Every update of `minimize` is such, the number being whether the step is finite.
func gate(_ schedule: Schedule) -> Schedule {
  var result = schedule
  for k in schedule.kernels.indices {
    guard case .clusters(var phases) = schedule.kernels[k].body, phases.clusters.count == 1,
      let gate = schedule.gate(of: phases.clusters[0])
    else { continue }
    phases.clusters[0].gate = gate
    result.kernels[k].body = .clusters(phases)
  }
  return result
}

extension Schedule {
  fileprivate func gate(of cluster: Cluster) -> Buffer? {
    let gates = Set(cluster.stores.map { gate(ofStore: $0) })
    guard cluster.reductions.isEmpty, gates.count == 1 else { return nil }
    return gates.first ?? nil
  }

  private func gate(ofStore store: Buffer) -> Buffer? {
    guard listing[store].operation == .select, let variable = inPlace[store] else { return nil }
    let operands = listing.operands(store)
    guard case .variable(variable) = listing[operands[2]].operation,
      case .broadcast = listing[operands[0]].operation
    else { return nil }
    let repeated = listing.operands(operands[0])[0]
    return listing[repeated].count == 1 ? repeated : nil
  }
}
