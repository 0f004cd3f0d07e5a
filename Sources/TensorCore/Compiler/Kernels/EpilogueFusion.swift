/// Lets contractions add on the way what only their result is added to: a bias along the last axis, or another
/// contraction's result.
func fuseEpilogues(_ kernels: KernelListing) -> KernelListing {
  let fusion = EpilogueFusion(kernels.listing)
  var result = kernels
  result.kernels = Table(
    kernels.kernels.compactMap { kernel in
      let buffer = kernel.writes[0]
      if fusion.inner.contains(buffer) { return nil }
      guard let sum = fusion.contractions[buffer] else { return kernel }
      return KernelListing.Kernel(
        body: .contraction(sum), reads: Set(kernels.listing.operands(sum)).sorted(),
        writes: [buffer])
    })
  return result
}

extension Listing {
  /// The buffers that a contraction and its epilogue read.
  func operands(_ sum: Contraction) -> [Buffer] {
    operands(Buffer(position: sum.position)) + [sum.bias, sum.addend].compactMap { $0 }
  }

  /// The buffer of `width` numbers that `position` repeats along its last axis.
  fileprivate func bias(_ position: Position, width: Int) -> Buffer? {
    guard self[position].operation == .broadcast else { return nil }
    let source = buffer(of: self[position].inputs[0])
    let axes = viewAxes(Buffer(position: position))
    guard self[source].count == width else { return nil }
    if width == 1 { return axes.allSatisfy { $0.stride == 0 } ? source : nil }
    guard let last = axes.last, last == (width, 1), axes.dropLast().allSatisfy({ $0.stride == 0 })
    else { return nil }
    return source
  }
}

private struct EpilogueFusion {
  private let listing: Listing
  private let liveOut: Set<Buffer>
  private var readers: [Buffer: Int] = [:]
  /// Contractions with an epilogue, by their result.
  private(set) var contractions: [Buffer: Contraction] = [:]
  /// Results that exist only inside a contraction.
  private(set) var inner: Set<Buffer> = []

  init(_ listing: Listing) {
    self.listing = listing
    liveOut = listing.liveOutBuffers
    for buffer in listing.buffers {
      for operand in Set(listing.operands(buffer)) { readers[operand, default: 0] += 1 }
    }
    for buffer in listing.buffers where listing[buffer].operation == .binary(.add) { fuse(buffer) }
  }

  /// The contraction whose result is `buffer`, if that may be an epilogue's: nothing else reads it.
  private func open(_ buffer: Buffer) -> Contraction? {
    guard readers[buffer] == 1, !liveOut.contains(buffer) else { return nil }
    // The kernels have none for gradients of filters.
    if case .convolutionFilter = listing[buffer].operation { return nil }
    guard listing[buffer].operation.role == .contraction else { return contractions[buffer] }
    return Contraction(position: buffer.position, result: buffer)
  }

  /// Lets a contraction do the addition `sum`, where it can.
  private mutating func fuse(_ sum: Buffer) {
    let terms = listing[sum].inputs
    let buffers = listing.operands(sum)
    guard buffers[0] != buffers[1] else { return }
    for (term, other) in [(0, 1), (1, 0)] {
      guard var contraction = open(buffers[term]), contraction.addend == nil else { continue }
      let width = listing[contraction.position].shape.last ?? 1
      if contraction.bias == nil, let bias = listing.bias(terms[other], width: width) {
        contraction.bias = bias
      } else if !liveOut.contains(sum), buffers[other] < buffers[term], open(buffers[other]) != nil
      {
        contraction.addend = buffers[other]
      } else {
        continue
      }
      contraction.result = sum
      contractions[buffers[term]] = nil
      inner.insert(buffers[term])
      contractions[sum] = contraction
      return
    }
  }
}
