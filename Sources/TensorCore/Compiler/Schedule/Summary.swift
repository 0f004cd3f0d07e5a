/// Kernels and memory of a compiled program, as far as the compiler decides them: the same on every
/// machine, whatever kernels the library chooses there.
public struct PlanSummary: Sendable {
  /// A kind of kernel: the number that run, and the bytes that they read and write, each buffer once.
  public struct Kind: Sendable {
    /// Name of the kind, such as "contractions".
    public let name: String
    /// Number of kernels.
    public let count: Int
    /// Bytes per run.
    public let bytes: Int
  }

  /// Kinds of kernels, contractions first.
  public let kinds: [Kind]
  /// Most times that the threads meet in a run: kernels run side by side count once.
  public let groups: Int
  /// Bytes of the buffers within a run, without the library's own workspace.
  public let arrayBytes: Int
  /// Least bytes that the normalizations could move: one read and one write of the data
  /// forward; two reads and one write backward, where the program goes backward.
  public let leastNormalizationBytes: Int

  init(_ schedule: Schedule) {
    let listing = schedule.listing
    var totals: [String: (count: Int, bytes: Int)] = [:]
    var normalized: [String: Int] = [:]
    for kernel in schedule.kernels {
      totals[kernel.kind, default: (0, 0)].count += 1
      totals[kernel.kind, default: (0, 0)].bytes += schedule.traffic(kernel)
    }
    // A normalization is known by its layer's name, its data by their number.
    for instruction in listing.buffers.map({ listing[$0] })
    where instruction.path.split(separator: "/").last?.contains("norm") == true {
      let bytes = instruction.count * (schedule.precision == .bf16 ? 2 : 4)
      normalized[instruction.path] = Swift.max(normalized[instruction.path] ?? 0, bytes)
    }
    kinds = KernelListing.Kernel.kinds.compactMap { name in
      totals[name].map { Kind(name: name, count: $0.count, bytes: $0.bytes) }
    }
    groups = schedule.groups.count
    arrayBytes = schedule.arenaBytes
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
  /// Bytes that the program needs in the arena that programs share, without workspaces.
  var arenaBytes: Int {
    planMemory(self, workspaces: Table(repeating: 0, for: kernels)).byteCount
  }

  /// Bytes of buffers that outlive a run, such as inputs and outputs, variables apart.
  var lastingBytes: Int {
    listing.lastingBuffers.reduce(0) { sum, buffer in
      if case .variable = listing[buffer].operation { return sum }
      return inPlace[buffer] == nil ? sum + 4 * listing[buffer].count : sum
    }
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
