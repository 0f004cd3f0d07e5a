/// The place of each buffer in the arena that all programs of a runtime share.
package struct MemoryPlan: Sendable {
  /// Byte offsets of the buffers that live within a run.
  package var offsets: [Buffer: Int] = [:]
  /// Byte offset of each kernel's workspace.
  package var workspaces: Table<KernelListing.Kernel, Int> = Table()
  /// Bytes that the program needs.
  package var byteCount = 0
}

/// Assigns offsets so that buffers that live at the same time do not overlap, the largest first.
///
/// - Parameter workspaces: Bytes of scratch memory that each kernel needs while it runs.
package func planMemory(
  _ schedule: Schedule, workspaces: Table<KernelListing.Kernel, Int>
) -> MemoryPlan {
  var planner = MemoryPlanner(schedule)
  for k in schedule.kernels.indices { planner.add(k) }
  return planner.placed(workspaces)
}

private struct MemoryPlanner {
  /// Memory that one buffer after another uses, and the groups of kernels during which it is in use.
  struct Block {
    var first: Int
    var last: Int
    var bytes: Int
    var offset = 0
  }

  private let schedule: Schedule
  private let lasting: Set<Buffer>
  // Kernels of a group run at the same time, so the buffers of each live while any of them runs.
  private let group: Table<KernelListing.Kernel, Int>
  /// The last group that reads a buffer, and the number of its kernels that do.
  private var lastRead: [Buffer: (group: Int, readers: Int)] = [:]
  private var blocks: [Block] = []
  private var blockOf: [Buffer: Int] = [:]

  init(_ schedule: Schedule) {
    self.schedule = schedule
    lasting = schedule.listing.lastingBuffers
    group = schedule.groupOfKernel
    for k in schedule.kernels.indices {
      for read in schedule.kernels[k].reads {
        let earlier = lastRead[read].flatMap { $0.group == group[k] ? $0.readers : nil } ?? 0
        lastRead[read] = (group[k], earlier + 1)
      }
    }
  }

  private static func aligned(_ bytes: Int) -> Int { (bytes + 63) & ~63 }

  /// Gives the buffers that a kernel writes a block each.
  mutating func add(_ k: KernelIndex) {
    let kernel = schedule.kernels[k]
    var taken: Set<Int> = []
    for write in kernel.writes where !lasting.contains(write) {
      let last = lastRead[write]?.group ?? group[k]
      if case .contraction(let sum) = kernel.body, let addend = sum.addend,
        let block = blockOf[addend]
      {
        blocks[block].last = last
        blockOf[write] = block
      } else if let block = blockToOverwrite(write, k, taken) {
        taken.insert(block)
        blocks[block].last = last
        blockOf[write] = block
      } else {
        blockOf[write] = blocks.count
        taken.insert(blocks.count)
        blocks.append(
          Block(first: group[k], last: last, bytes: Self.aligned(schedule.bytes(write))))
      }
    }
  }

  /// The block of an operand that nothing reads afterwards and whose place an elementwise result may take.
  private func blockToOverwrite(_ write: Buffer, _ k: KernelIndex, _ taken: Set<Int>) -> Int? {
    let kernel = schedule.kernels[k]
    guard case .clusters = kernel.body else { return nil }
    let place = kernel.reads.first { read in
      guard let block = blockOf[read], let last = lastRead[read], !taken.contains(block) else {
        return false
      }
      return last == (group[k], 1) && blocks[block].last == group[k]
        && schedule.bytes(read) == schedule.bytes(write)
        && schedule.listing.canOverwrite(read, with: write, in: kernel)
    }
    return place.flatMap { blockOf[$0] }
  }

  /// The plan, with a block for each workspace, too.
  mutating func placed(_ workspaces: Table<KernelListing.Kernel, Int>) -> MemoryPlan {
    let buffers = blocks.count
    for k in workspaces.indices {
      blocks.append(
        Block(first: group[k], last: group[k], bytes: Self.aligned(workspaces[k])))
    }
    var plan = MemoryPlan()
    var placed: [Int] = []
    for b in blocks.indices.sorted(by: { (blocks[$0].bytes, $1) > (blocks[$1].bytes, $0) })
    where blocks[b].bytes > 0 {
      let block = blocks[b]
      let conflicts = placed.map { blocks[$0] }
        .filter { $0.first <= block.last && block.first <= $0.last }
        .sorted { $0.offset < $1.offset }
      var offset = 0
      for other in conflicts {
        if offset + block.bytes <= other.offset { break }
        offset = Swift.max(offset, other.offset + other.bytes)
      }
      blocks[b].offset = offset
      plan.byteCount = Swift.max(plan.byteCount, offset + block.bytes)
      placed.append(b)
    }
    plan.offsets = blockOf.mapValues { blocks[$0].offset }
    plan.workspaces = Table(workspaces.indices.map { blocks[buffers + $0.offset].offset })
    return plan
  }
}
