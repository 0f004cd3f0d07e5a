// Kernels, schedules and memory plans as `figment plan --stage` prints them.

extension KernelListing: CustomStringConvertible {
  package var description: String {
    kernels.indices.flatMap { lines(of: kernels[$0], "\($0.offset)", in: listing) }
      .joined(separator: "\n") + (halves.isEmpty ? "" : "\n16 bits: \(list(halves.sorted()))")
  }
}

extension Schedule: CustomStringConvertible {
  package var description: String {
    var lines: [String] = []
    let group = groupOfKernel
    for k in kernels.indices {
      let number = "group \(group[k]), kernel \(k.offset)"
      lines += TensorCore.lines(of: kernels[k], number, in: listing)
      for (write, variable) in inPlace.sorted(by: { $0.key < $1.key })
      where kernels[k].writes.contains(write) {
        lines.append("  \(write) in place of \(variable.name)")
      }
    }
    if !halves.isEmpty { lines.append("16 bits: \(list(halves.sorted()))") }
    return lines.joined(separator: "\n")
  }
}

extension MemoryPlan {
  /// One line per buffer and workspace, in the order of their places.
  func description(of schedule: Schedule) -> String {
    var rows = offsets.map { ($0.value, schedule.bytes($0.key), $0.key.description) }
    for k in workspaces.indices where workspaces[k] > 0 {
      rows.append((workspaces[k], 0, "workspace of kernel \(k.offset)"))
    }
    return rows.sorted { ($0.0, $0.2) < ($1.0, $1.2) }
      .map { "\($0.0): \($0.2)" + ($0.1 > 0 ? ", \($0.1) bytes" : "") }
      .joined(separator: "\n") + "\n\(byteCount) bytes"
  }
}

private func list(_ buffers: [Buffer]) -> String {
  buffers.map(\.description).joined(separator: " ")
}

private func lines(of kernel: KernelListing.Kernel, _ number: String, in listing: Listing)
  -> [String]
{
  var lines: [String]
  switch kernel.body {
  case .clusters(let phases):
    lines = ["\(number): \(phases.blocks == 1 ? "cluster" : "\(phases.blocks) blocks of phases")"]
    lines += phases.clusters.flatMap { text(of: $0, locals: phases.locals, in: listing) }
  case .scalars(let buffers): lines = ["\(number): single numbers \(list(buffers))"]
  case .contraction(let sum):
    let epilogue =
      (sum.bias.map { " + bias \($0)" } ?? "") + (sum.addend.map { " + \($0)" } ?? "")
    lines = ["\(number): \(sum.position) \(listing[sum.position].operation.label)\(epilogue)"]
  case .instruction(let buffer):
    lines = ["\(number): \(buffer) \(listing[buffer].operation.label)"]
  }
  lines[0] += "; reads \(list(kernel.reads)); writes \(list(kernel.writes))"
  return lines
}

private func text(of cluster: Cluster, locals: Set<Buffer>, in listing: Listing) -> [String] {
  let sizes = cluster.sizes.map(String.init).joined(separator: "x")
  var lines = ["  \(sizes): loads \(list(cluster.loads)); views \(list(cluster.views))"]
  if cluster.tiles.operations.isEmpty {
    lines.append("    computes \(list(cluster.members))")
  }
  for operation in cluster.tiles.operations {
    lines.append(
      "    \(operation.result) = \(operation.function.label)(\(list(operation.operands)))")
  }
  for reduction in cluster.reductions {
    lines.append("    \(reduction) = \(listing[reduction].operation.label) of its tiles")
  }
  if !cluster.stores.isEmpty { lines.append("    stores \(list(cluster.stores))") }
  let local = locals.intersection(cluster.stores + cluster.reductions)
  if !local.isEmpty { lines.append("    in local memory \(list(local.sorted()))") }
  if let gate = cluster.gate { lines.append("    nothing where \(gate) is 0") }
  return lines
}

extension TileFunction {
  fileprivate var label: String {
    switch self {
    case .unary(let function): function.rawValue
    case .binary(let function): function.rawValue
    case .select: "select"
    case .copy: "copy"
    case .multiplyAdd: "multiply-add"
    case .multiplySubtract: "multiply-subtract"
    case .subtractProduct: "subtract-product"
    case .silu: "silu"
    case .siluGradient: "silu-gradient"
    }
  }
}
