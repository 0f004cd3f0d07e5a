/// Where each array lives in the arena that all programs of a runtime share.
package struct MemoryPlan: Sendable {
  /// Byte offsets, by the position of the instruction that makes the array.
  package var offsets: [Int: Int] = [:]
  /// Byte offset of each kernel's workspace.
  package var workspaces: [Int] = []
  /// The bytes that the program needs.
  package var byteCount = 0
}

/// Assigns offsets so that arrays that live at the same time do not overlap, the largest first.
///
/// - Parameters:
///   - workspaces: Bytes of scratch memory that each kernel needs while it runs.
///   - external: Arrays that live elsewhere.
package func planMemory(_ schedule: Schedule, workspaces: [Int], external: Set<Int>) -> MemoryPlan {
  struct Block {
    var first: Int
    var last: Int
    var bytes: Int
    var offset = 0
  }
  let listing = schedule.listing
  // Kernels of a group run at the same time, so all that one of them needs lives while any runs.
  var group: [Int] = []
  for (g, size) in schedule.groups.enumerated() {
    group += [Int](repeating: g, count: size)
  }
  var blocks: [Block] = []
  var blockOf: [Int: Int] = [:]
  var lastRead: [Int: Int] = [:]
  for (k, kernel) in schedule.kernels.enumerated() {
    for read in kernel.reads { lastRead[read] = Swift.max(lastRead[read] ?? 0, group[k]) }
  }
  var readersInGroup: [[Int]: Int] = [:]
  for (k, kernel) in schedule.kernels.enumerated() {
    for read in kernel.reads { readersInGroup[[group[k], read], default: 0] += 1 }
  }
  func aligned(_ bytes: Int) -> Int { (bytes + 63) & ~63 }

  for (k, kernel) in schedule.kernels.enumerated() {
    var taken: Set<Int> = []
    for write in kernel.writes where !external.contains(write) {
      let bytes = aligned(schedule.bytes(write))
      let last = lastRead[write] ?? group[k]
      if case .contraction(let sum) = kernel.body, let addend = sum.addend,
        let block = blockOf[addend]
      {
        blocks[block].last = last
        blockOf[write] = block
        continue
      }
      // An elementwise result may take the place of an operand that nobody reads afterwards.
      let place = kernel.reads.first { read in
        guard let block = blockOf[read], lastRead[read] == group[k], !taken.contains(block),
          readersInGroup[[group[k], read]] == 1
        else { return false }
        return blocks[block].last == group[k] && schedule.bytes(read) == schedule.bytes(write)
          && listing.canOverwrite(read, with: write, in: kernel)
      }
      if let place, let block = blockOf[place], case .clusters = kernel.body {
        taken.insert(block)
        blocks[block].last = last
        blockOf[write] = block
      } else {
        blockOf[write] = blocks.count
        taken.insert(blocks.count)
        blocks.append(Block(first: group[k], last: last, bytes: bytes))
      }
    }
  }
  let arrays = blocks.count
  for (k, bytes) in workspaces.enumerated() {
    blocks.append(Block(first: group[k], last: group[k], bytes: aligned(bytes)))
  }

  var plan = MemoryPlan()
  var placed: [Int] = []
  for b in blocks.indices.sorted(by: { (blocks[$0].bytes, $1) > (blocks[$1].bytes, $0) })
  where blocks[b].bytes > 0 {
    let conflicts = placed.lazy
      .filter { blocks[$0].first <= blocks[b].last && blocks[b].first <= blocks[$0].last }
      .map { blocks[$0] }.sorted { $0.offset < $1.offset }
    var offset = 0
    for other in conflicts {
      if offset + blocks[b].bytes <= other.offset { break }
      offset = Swift.max(offset, other.offset + other.bytes)
    }
    blocks[b].offset = offset
    plan.byteCount = Swift.max(plan.byteCount, offset + blocks[b].bytes)
    placed.append(b)
  }
  plan.offsets = blockOf.mapValues { blocks[$0].offset }
  plan.workspaces = workspaces.indices.map { blocks[arrays + $0].offset }
  return plan
}
