import CKernels

/// How the numbers of a program are stored between kernels, and multiplied.
public enum Precision: String, Hashable, Sendable, CaseIterable {
  /// 32-bit floating point throughout.
  case fp32
  /// Activations and their gradients have 8 significant bits (bfloat16).
  ///
  /// Contractions multiply such numbers and sum in fp32; parameters, the optimizer's state,
  /// statistics, losses and all other arithmetic stay fp32.
  case bf16

  /// Whether this processor multiplies bfloat16 in hardware.
  public static var hasBF16: Bool { fk_has_bf16() != 0 }

  /// Whether it does so by matrix tiles (AMX) rather than by vectors (AVX-512).
  public static var hasTiles: Bool { fk_has_tiles() != 0 }
}

/// The arrays that are stored with 16 bits: those on the way to a contraction that a contraction,
/// an elementwise kernel or a copy makes.
///
/// Gradients of parameters, which no contraction reads, keep 32, and so do reductions and small
/// arrays such as the factors of a normalization, of which nothing would be gained.
func halves(_ fused: KernelListing) -> Set<Int> {
  let listing = fused.listing
  var feeds = [Bool](repeating: false, count: listing.instructions.count)
  var isOperand = feeds
  for i in listing.instructions.indices.reversed() {
    let passesOn = feeds[i] || listing.isContraction(i)
    for input in listing.instructions[i].inputs where passesOn {
      feeds[input] = true
      feeds[listing.home(input)] = true
    }
  }
  var made: Set<Int> = []
  var sums: Set<Int> = []
  var pinned: Set<Int> = Set(listing.roots.map { listing.home($0) })
  // Arrays that a copy or a join reads and writes are of one kind.
  var alike: [[Int]] = []
  for kernel in fused.kernels {
    switch kernel.body {
    case .contraction(let sum):
      made.insert(sum.result)
      sums.insert(sum.result)
      let operands = listing.instructions[sum.position].inputs.map { listing.home($0) }
      for operand in operands { isOperand[operand] = true }
      if let bias = sum.bias { pinned.insert(bias) }
      if let addend = sum.addend { alike.append([addend, sum.result]) }
    case .clusters(let phases):
      pinned.formUnion(phases.clusters.flatMap(\.reductions))
      made.formUnion(phases.clusters.flatMap(\.stores).filter { !phases.locals.contains($0) })
      for join in phases.clusters.flatMap(\.views) where listing.isJoin(join) {
        alike.append(listing.instructions[join].inputs.map { listing.home($0) })
      }
    case .scalars(let positions): pinned.formUnion(positions + kernel.reads)
    case .instruction(let i):
      switch listing.instructions[i].operation {
      case .transpose, .slice, .pad, .concatenate, .blocks:
        made.insert(i)
        alike.append([i] + kernel.reads)
      default: pinned.formUnion([i] + kernel.reads)
      }
    }
  }
  var result = made.filter {
    feeds[$0] && !pinned.contains($0) && listing.instructions[$0].count > 1
      && (isOperand[$0] || sums.contains($0) || listing.instructions[$0].count >= 65_536)
  }
  var isSettled = false
  while !isSettled {
    isSettled = true
    for group in alike where !group.allSatisfy(result.contains) {
      for i in group where result.remove(i) != nil { isSettled = false }
    }
  }
  return result
}
