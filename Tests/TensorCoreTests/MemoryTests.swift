import TensorCore
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// Memory plans, and that running allocates nothing.
@Suite struct MemoryTests {
  @Test(arguments: 0..<10) func liveBuffersNeverOverlap(block: Int) throws {
    for seed in block * 20..<block * 20 + 20 {
      let graph = RandomGraph(seed: seed)
      let schedule = try Pipeline("p", graph.outputs, graph.updates).schedule
      var numbers = SplitMix64(seed: seed)
      let workspaces = Table<KernelListing.Kernel, Int>(
        schedule.kernels.map { _ in numbers.chance(30) ? Int(numbers.next() % 50_000) : 0 })
      let plan = planMemory(schedule, workspaces: workspaces)
      if let problem = overlap(schedule, plan, workspaces) {
        Issue.record("graph \(seed): \(problem)")
      }
    }
  }

  /// A buffer that lies over another while both are needed, or nil.
  private func overlap(
    _ schedule: Schedule, _ plan: MemoryPlan, _ workspaces: Table<KernelListing.Kernel, Int>
  ) -> String? {
    struct Region {
      let name: String
      let buffer: Buffer?
      let first: KernelIndex
      var last: KernelIndex
      let bytes: Range<Int>
    }
    let liveOut = schedule.listing.liveOutBuffers
    var regions: [Region] = []
    for k in schedule.kernels.indices {
      for write in schedule.kernels[k].writes where !liveOut.contains(write) {
        guard let offset = plan.offsets[write] else { return "\(write) has no place" }
        let end = offset + schedule.listing[write].shape.product * 4
        let last = schedule.kernels.lastIndex { $0.reads.contains(write) } ?? k
        regions.append(
          Region(name: "\(write)", buffer: write, first: k, last: last, bytes: offset..<end))
      }
      let offset = plan.workspaces[k]
      regions.append(
        Region(
          name: "workspace \(k.offset)", buffer: nil, first: k, last: k,
          bytes: offset..<offset + workspaces[k]))
    }
    for (i, a) in regions.enumerated() {
      if a.bytes.upperBound > plan.byteCount { return "\(a.name) ends beyond the plan" }
      if a.bytes.lowerBound % 64 != 0 { return "\(a.name) is not aligned" }
      for b in regions[(i + 1)...]
      where a.first <= b.last && b.first <= a.last && a.bytes.overlaps(b.bytes) {
        // An elementwise result may take the place of an operand that is read for the last time.
        if let old = a.buffer, let new = b.buffer, a.last == b.first, a.bytes == b.bytes,
          schedule.listing.canOverwrite(old, with: new, in: schedule.kernels[b.first])
        {
          continue
        }
        return "\(a.name) and \(b.name) overlap at bytes \(a.bytes) and \(b.bytes)"
      }
    }
    return nil
  }

  @Test func everyKernelRunsAfterItsReads() throws {
    for seed in 0..<200 {
      let graph = RandomGraph(seed: seed)
      let schedule = try Pipeline("p", graph.outputs, graph.updates).schedule
      var made: Set<Buffer> = []
      for kernel in schedule.kernels {
        let missing = kernel.reads.filter { !made.contains($0) && !schedule.listing.isSource($0) }
        #expect(missing.isEmpty, "graph \(seed)")
        made.formUnion(kernel.writes)
      }
      #expect(schedule.listing.liveOutBuffers.isSubset(of: made), "graph \(seed)")
    }
  }

  #if os(Linux)
    @Test func residentMemoryDoesNotGrow() throws {
      let x = Tensor.input("x", [16, 16])
      let w = Variable("w", initially: .normal([16, 16], "initial"))
      let y = tanh(x.matmul(w.value) + Tensor.normal([16, 16])).mean(0)
      let program = try Runtime(seed: 0, threads: 1)
        .compile("p", [y], updates: [Update(w, 0.99 * w.value)])
      for _ in 0..<100 { program.run() }
      // Other tests allocate meanwhile, now and then; what `run` keeps it would keep every time.
      var growth: [Int] = []
      for _ in 0..<20 where !growth.contains(where: { $0 <= 0 }) {
        let before = try residentPages()
        for _ in 0..<10_000 { program.run() }
        growth.append(try residentPages() - before)
      }
      #expect(growth.contains { $0 <= 0 }, "\(growth)")
    }

    private func residentPages() throws -> Int {
      let file = try #require(fopen("/proc/self/statm", "r"))
      defer { fclose(file) }
      var line = [CChar](repeating: 0, count: 200)
      fgets(&line, 200, file)
      let text = String(
        decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      return try #require(Int(text.split(separator: " ")[1]))
    }
  #endif
}
