/// Sizes in bytes that decide how work is cut up.
///
/// One fixed value serves every machine, so that plans are the same everywhere. Results in fp32 do not depend on it;
/// with bf16, buffers between phases keep 32 bits, so that there the sizes are part of the arithmetic.
package struct CacheSizes: Hashable, Sendable {
  /// Bytes of one example that phases may touch: most of the second-level cache.
  package var phaseBytes: Int
  /// Bytes of one block of examples, so that several fit together.
  package var blockBytes: Int
  /// Bytes that a contraction reads and writes, up to which it runs at the same time as others.
  package var lightContractionBytes: Int
  /// Bytes that any other kernel writes, up to which it runs at the same time as others.
  package var lightKernelBytes: Int

  package init(
    phaseBytes: Int, blockBytes: Int, lightContractionBytes: Int, lightKernelBytes: Int
  ) {
    (self.phaseBytes, self.blockBytes) = (phaseBytes, blockBytes)
    (self.lightContractionBytes, self.lightKernelBytes) = (lightContractionBytes, lightKernelBytes)
  }

  /// Sizes for a second-level cache of two megabytes.
  package static let standard = CacheSizes(
    phaseBytes: 1_600_000, blockBytes: 256_000, lightContractionBytes: 1 << 19,
    lightKernelBytes: 1 << 16)
}
