/// A program as kernels: each reads and writes whole buffers.
package struct KernelListing: Sendable {
  package enum Body: Sendable {
    /// Elementwise work and reductions.
    case clusters(Phases)
    /// Single numbers, computed in Double in this order.
    case scalars([Buffer])
    /// A matrix product or a correlation with its epilogue.
    case contraction(Contraction)
    /// An instruction with a kernel of its own.
    case instruction(Buffer)
  }

  package struct Kernel: Sendable {
    package var body: Body
    /// Materialized buffers, sorted.
    package var reads: [Buffer]
    package var writes: [Buffer]
  }

  package var listing: Listing
  package var kernels: Table<Kernel, Kernel> = Table()
  /// Buffers of 16-bit numbers; all others have 32 bits.
  package var halves: Set<Buffer> = []
}

/// Clusters that run one after the other over each block of examples while it is in the cache.
package struct Phases: Sendable {
  package var clusters: [Cluster]
  /// The number of equal blocks that the outermost axis of every cluster is cut into; 1 for a single cluster.
  package var blocks = 1
  /// Buffers that only later phases read: they need memory for one block per worker.
  package var locals: Set<Buffer> = []

  /// The buffers that the clusters store or reduce to.
  var writes: Set<Buffer> { Set(clusters.flatMap { $0.stores + $0.reductions }) }
}

/// A contraction and its epilogue: a bias along the last axis, another buffer, or both are added before the result is
/// written.
package struct Contraction: Sendable {
  /// The contraction's own instruction.
  package var position: Position
  /// The buffer that is written: of the last addition.
  package var result: Buffer
  package var bias: Buffer?
  /// The buffer whose memory the result takes over.
  package var addend: Buffer?
}

/// One pass over an iteration space: elementwise members, of which some are stored and some
/// reduced.
package struct Cluster: Sendable {
  /// The number of elements of the iteration space.
  package var count: Int
  /// Elementwise results that are materialized.
  package var stores: [Buffer]
  /// Reductions computed on the way.
  package var reductions: [Buffer]
  /// Elementwise results that are computed, in order.
  package var members: [Buffer] = []
  /// Buffers read element by element.
  package var loads: [Buffer] = []
  /// Broadcasts, slices and joins read in place, through strides.
  package var views: [Buffer] = []
  /// The iteration space seen by the reductions; [count, 1, 1] without.
  package var form: ReductionForm
  /// The axes that the views and the form need.
  package var sizes: [Int] = []
  /// A single number, set by `gate`: where it is 0 the stores keep their variables' values, and nothing runs.
  package var gate: Buffer?
  /// The operations on tiles, set by `lower`.
  package var tiles = TileProgram()
}

extension KernelListing {
  /// Every instruction as a kernel by itself, whose result is materialized.
  ///
  /// - Throws: `TensorError` where a view needs more axes than kernels have.
  package init(_ listing: Listing) throws {
    self.listing = listing
    let computed = listing.buffers.filter { !listing.isSource($0) }
    let builder = ClusterBuilder(
      listing, materialized: Set(computed.filter { listing.isElementwise($0) }))
    for buffer in computed {
      let operands = Set(listing.operands(buffer)).sorted()
      let body: Body
      if listing.isElementwise(buffer), listing[buffer].count == 1 {
        body = .scalars([buffer])
      } else if listing.isElementwise(buffer) {
        body = .clusters(try builder.single(stores: [buffer]))
      } else if listing[buffer].operation.role == .reduction {
        body = .clusters(try builder.single(reductions: [buffer]))
      } else if listing[buffer].operation.role == .contraction {
        body = .contraction(Contraction(position: buffer.position, result: buffer))
      } else {
        body = .instruction(buffer)
      }
      kernels.append(Kernel(body: body, reads: operands, writes: [buffer]))
    }
  }

  /// Drops stores that no other kernel or phase reads, and finds those that only later phases of their own kernel
  /// read.
  func trimmed() -> KernelListing {
    let liveOut = listing.liveOutBuffers
    var readByKernels = liveOut
    for kernel in kernels { readByKernels.formUnion(kernel.reads) }
    var readElsewhere = readByKernels
    for case .clusters(let phases) in kernels.map(\.body) {
      for cluster in phases.clusters {
        readElsewhere.formUnion(listing.reads(cluster).subtracting(cluster.stores))
      }
    }
    var result = self
    result.kernels = Table(
      kernels.compactMap { kernel in
        var kernel = kernel
        switch kernel.body {
        case .clusters(var phases):
          for c in phases.clusters.indices {
            phases.clusters[c].stores.removeAll { !readElsewhere.contains($0) }
          }
          phases.clusters.removeAll { $0.stores.isEmpty && $0.reductions.isEmpty }
          guard !phases.clusters.isEmpty else { return nil }
          // Local memory does not serve joins.
          let joined = phases.clusters.flatMap(\.views).filter { listing.isJoin($0) }
          phases.locals = phases.writes.subtracting(readByKernels)
            .subtracting(joined.flatMap { listing.operands($0) })
          kernel.body = .clusters(phases)
          kernel.writes = phases.writes.subtracting(phases.locals).sorted()
        case .scalars: kernel.writes.removeAll { !readElsewhere.contains($0) }
        case .contraction, .instruction: break
        }
        return kernel
      })
    return result
  }
}
