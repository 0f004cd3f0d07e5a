import CKernels

/// The format in which a program stores numbers between kernels and multiplies them.
public enum Precision: String, Hashable, Sendable, CaseIterable {
  /// 32-bit floating point throughout.
  case fp32
  /// Activations and their gradients have 8 significant bits (bfloat16).
  ///
  /// Contractions multiply such numbers and sum in fp32; parameters, the optimizer's state,
  /// statistics, losses and all other arithmetic stay fp32.
  case bf16

  /// True if this processor multiplies bfloat16 in hardware.
  public static var hasBF16: Bool { fk_has_bf16() != 0 }

  /// True if it does so by matrix tiles (AMX) rather than by vectors (AVX-512).
  public static var hasTiles: Bool { fk_has_tiles() != 0 }
}

/// Chooses the buffers of 16 bits: those on the way to a contraction that a contraction,
/// an elementwise kernel or a copy makes.
///
/// Gradients of parameters, which no contraction reads, keep 32, and so do reductions and small
/// buffers such as the factors of a normalization, of which nothing would be gained.
func choosePrecision(_ kernels: KernelListing) -> KernelListing {
  var result = kernels
  result.halves = HalfPrecision(kernels).halves
  return result
}

private struct HalfPrecision {
  private let listing: Listing
  /// Buffers that a kernel makes which can store 16 bits.
  private var made: Set<Buffer> = []
  /// The buffers among `made` that contractions make.
  private var sums: Set<Buffer> = []
  /// Buffers that contractions multiply.
  private var multiplied: Set<Buffer> = []
  /// Buffers that stay at 32 bits.
  private var pinned: Set<Buffer>
  /// Buffers that one kernel copies or joins: they are of one kind.
  private var alike: [[Buffer]] = []

  init(_ kernels: KernelListing) {
    listing = kernels.listing
    pinned = listing.liveOutBuffers
    for kernel in kernels.kernels { classify(kernel) }
  }

  private mutating func classify(_ kernel: KernelListing.Kernel) {
    switch kernel.body {
    case .contraction(let sum):
      made.insert(sum.result)
      sums.insert(sum.result)
      multiplied.formUnion(listing.operands(Buffer(position: sum.position)))
      if let bias = sum.bias { pinned.insert(bias) }
      if let addend = sum.addend { alike.append([addend, sum.result]) }
    case .clusters(let phases):
      pinned.formUnion(phases.clusters.flatMap(\.reductions))
      made.formUnion(phases.clusters.flatMap(\.stores).filter { !phases.locals.contains($0) })
      for join in phases.clusters.flatMap(\.views) where listing.isJoin(join) {
        alike.append(listing.operands(join))
      }
    case .scalars(let buffers): pinned.formUnion(buffers + kernel.reads)
    case .instruction(let buffer):
      switch listing[buffer].operation.role {
      case .selection, .assembly:
        made.insert(buffer)
        alike.append([buffer] + kernel.reads)
      case .source, .own, .elementwise, .identity, .reduction, .contraction:
        pinned.formUnion([buffer] + kernel.reads)
      }
    }
  }

  /// Buffers that a contraction is computed from, directly or not.
  private var feeding: Set<Buffer> {
    var result: Set<Buffer> = []
    for buffer in listing.buffers.reversed()
    where result.contains(buffer) || listing[buffer].operation.role == .contraction {
      result.formUnion(listing.operands(buffer))
    }
    return result
  }

  var halves: Set<Buffer> {
    let feeding = feeding
    var result = made.filter { buffer in
      let count = listing[buffer].count
      return feeding.contains(buffer) && !pinned.contains(buffer) && count > 1
        && (multiplied.contains(buffer) || sums.contains(buffer) || count >= 65_536)
    }
    var isSettled = false
    while !isSettled {
      isSettled = true
      for group in alike where !group.allSatisfy(result.contains) {
        for buffer in group where result.remove(buffer) != nil { isSettled = false }
      }
    }
    return result
  }
}
