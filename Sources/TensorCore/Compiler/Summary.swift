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
    arrayBytes = schedule.plannedBytes(workspaces: schedule.kernels.map { _ in 0 }).arena
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

extension Schedule {
  /// Bytes that the program needs for itself, variables apart: in the arena that programs share, and in arrays
  /// that outlive a run, such as inputs and outputs.
  func plannedBytes(workspaces: [Int]) -> (arena: Int, lasting: Int) {
    (planMemory(self, workspaces: workspaces, external: external).byteCount, lastingBytes)
  }

  /// Bytes in arrays that outlive a run, variables apart.
  var lastingBytes: Int {
    external.reduce(0) { sum, i in
      if case .variable = listing.instructions[i].operation { return sum }
      return inPlace[i] == nil ? sum + 4 * listing.instructions[i].count : sum
    }
  }

  /// The arrays that are not in the arena.
  private var external: Set<Int> {
    Set(listing.roots.map { listing.home($0) })
      .union(listing.instructions.indices.filter { listing.isSource($0) })
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
