/// What a compiled program does and needs, as far as the compiler decides it: the same on every
/// machine, whatever kernels the library chooses there.
public struct PlanSummary: Sendable {
  /// A kind of kernel: how many run, and the bytes that they read and write, each array once.
  public struct Kind: Sendable {
    /// What they do.
    public let name: String
    /// How many.
    public let count: Int
    /// Bytes a run.
    public let bytes: Int
  }

  /// Kinds of kernels, contractions first.
  public let kinds: [Kind]
  /// How many times the threads meet in a run, at most: kernels run side by side count once.
  public let groups: Int
  /// Bytes of the arrays within a run, without the library's own workspace.
  public let arrayBytes: Int
  /// The least bytes that the normalizations could move: one read and one write of the data
  /// forward; two reads and one write backward, where the program goes backward.
  public let leastNormalizationBytes: Int

  init(_ schedule: Schedule) {
    let listing = schedule.listing
    var totals: [String: (count: Int, bytes: Int)] = [:]
    var normalized: [String: Int] = [:]
    for kernel in schedule.kernels {
      let bytes = schedule.traffic(kernel)
      totals[kernel.kind, default: (0, 0)].count += 1
      totals[kernel.kind, default: (0, 0)].bytes += bytes
    }
    // A normalization is known by its layer's name, its data by their number.
    for (i, instruction) in listing.instructions.enumerated()
    where instruction.path.split(separator: "/").last?.contains("norm") == true {
      let bytes = instruction.count * (schedule.precision == .bf16 ? 2 : 4)
      if listing.home(i) == i {
        normalized[instruction.path] = Swift.max(normalized[instruction.path] ?? 0, bytes)
      }
    }
    kinds = KernelListing.Kernel.kinds.compactMap { name in
      totals[name].map { Kind(name: name, count: $0.count, bytes: $0.bytes) }
    }
    groups = schedule.groups.count
    let roots = Set(listing.roots.map { listing.home($0) })
    let external = roots.union(listing.instructions.indices.filter { listing.isSource($0) })
    arrayBytes =
      planMemory(
        schedule, workspaces: schedule.kernels.map { _ in 0 }, external: external
      ).byteCount
    let passes = listing.updates.isEmpty ? 2 : 5
    leastNormalizationBytes = passes * normalized.values.reduce(0, +)
  }

  /// One line each.
  public var lines: [String] {
    let others = kinds.filter { $0.name != "contractions" }.reduce(0) { $0 + $1.bytes }
    var lines = kinds.map { "\($0.count) \($0.name), \($0.bytes) bytes" }
    lines.append("\(groups) groups")
    lines.append("arrays: \(arrayBytes) bytes")
    lines.append("all but contractions: \(others) bytes")
    if leastNormalizationBytes > 0 {
      lines.append("least for the normalizations: \(leastNormalizationBytes) bytes")
    }
    return lines
  }
}

extension KernelListing.Kernel {
  static let kinds = ["contractions", "phases", "clusters", "scalars", "copies and draws"]

  var kind: String {
    switch body {
    case .contraction: "contractions"
    case .clusters(let phases): phases.clusters.count > 1 ? "phases" : "clusters"
    case .scalars: "scalars"
    case .instruction: "copies and draws"
    }
  }
}
