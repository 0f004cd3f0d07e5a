/// A memory plan with what it was made for, to be checked.
package struct PlannedSchedule: Checkable {
  let schedule: Schedule
  let workspaces: Table<KernelListing.Kernel, Int>
  let plan: MemoryPlan

  package init(
    schedule: Schedule, workspaces: Table<KernelListing.Kernel, Int>, plan: MemoryPlan
  ) {
    (self.schedule, self.workspaces, self.plan) = (schedule, workspaces, plan)
  }

  private struct Region {
    let buffer: Buffer?
    /// Groups of kernels during which the bytes are in use.
    let first: Int
    var last: Int
    let bytes: Range<Int>
    let kernel: KernelIndex
  }

  /// Two regions that overlap while both are in use, or a buffer without a place in the arena.
  package var mistake: String? {
    let group = schedule.groupOfKernel
    let lasting = schedule.listing.lastingBuffers
    var regions: [Region] = []
    var regionOf: [Buffer: Int] = [:]
    for k in schedule.kernels.indices {
      let kernel = schedule.kernels[k]
      for read in kernel.reads {
        if let r = regionOf[read] { regions[r].last = Swift.max(regions[r].last, group[k]) }
      }
      for write in kernel.writes where !lasting.contains(write) {
        guard let offset = plan.offsets[write] else { return "\(write) has no place" }
        regionOf[write] = regions.count
        regions.append(
          Region(
            buffer: write, first: group[k], last: group[k],
            bytes: offset..<offset + schedule.bytes(write), kernel: k))
      }
      let offset = plan.workspaces[k]
      regions.append(
        Region(
          buffer: nil, first: group[k], last: group[k], bytes: offset..<offset + workspaces[k],
          kernel: k))
    }
    return overlap(of: regions)
  }

  /// Sweeps over the groups with the regions in use sorted by place, so that only neighbours are compared.
  private func overlap(of regions: [Region]) -> String? {
    if let outside = regions.first(where: { $0.bytes.upperBound > plan.byteCount }) {
      return "\(name(outside)) ends beyond the arena"
    }
    if let odd = regions.first(where: { $0.bytes.lowerBound % 64 != 0 }) {
      return "\(name(odd)) is not aligned"
    }
    var live: [Region] = []
    for region in regions.sorted(by: { $0.first < $1.first }) where !region.bytes.isEmpty {
      live.removeAll { $0.last < region.first }
      if let other = live.first(where: {
        $0.bytes.overlaps(region.bytes) && !takesOver(region, from: $0)
      }) {
        return "\(name(other)) and \(name(region)) overlap"
      }
      live.append(region)
    }
    return nil
  }

  /// True if a result takes the place of an operand that is read for the last time, or of its addend.
  private func takesOver(_ new: Region, from old: Region) -> Bool {
    guard let result = new.buffer, let operand = old.buffer, old.last == new.first,
      old.bytes == new.bytes
    else { return false }
    let kernel = schedule.kernels[new.kernel]
    if case .contraction(let sum) = kernel.body { return sum.addend == operand }
    return schedule.listing.canOverwrite(operand, with: result, in: kernel)
  }

  private func name(_ region: Region) -> String {
    region.buffer.map(\.description) ?? "workspace of kernel \(region.kernel.offset)"
  }
}
