#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Scratch memory that all programs of a runtime share, given pages by the system where it is first touched.
///
/// Addresses stay: a program that needs more than there is gets a larger region, and those before it keep
/// theirs. Without a limit of address space the first region is as large as the machine's memory, so that
/// there is one for all; under a limit each is as large as it must be.
final class Arena {
  private var regions: [(base: UnsafeMutableRawPointer, bytes: Int)] = []

  /// The address of `bytes` of memory.
  ///
  /// - Throws: `TensorError` where they cannot be had.
  func base(for bytes: Int) throws -> UnsafeMutableRawPointer {
    if let last = regions.last, last.bytes >= bytes { return last.base }
    let needed = Self.rounded(bytes)
    let memory = Int(sysconf(Int32(_SC_PHYS_PAGES))) * Int(sysconf(Int32(_SC_PAGESIZE)))
    let isBound = MemoryLimits.addressSpace != nil || !regions.isEmpty
    let generous = isBound ? needed : Swift.max(needed, Swift.min(1 << 38, memory))
    // A system that commits memory strictly may refuse what is never touched.
    for size in Set([generous, needed]).sorted(by: >) {
      if let base = Self.map(size) {
        regions.append((base, size))
        return base
      }
    }
    throw TensorError("cannot reserve \(memorySize(needed)) of address space")
  }

  /// Bytes of address space that a program of `bytes` adds where the regions so far are of at most `largest`.
  static func growth(to bytes: Int, beyond largest: Int) -> Int {
    bytes <= largest ? 0 : rounded(bytes)
  }

  /// Whole pages, at least one.
  private static func rounded(_ bytes: Int) -> Int { (Swift.max(bytes, 1) + 0xFFFF) & ~0xFFFF }

  private static func map(_ bytes: Int) -> UnsafeMutableRawPointer? {
    #if os(Linux)
      let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    #else
      let flags = MAP_PRIVATE | MAP_ANON
    #endif
    let memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, flags, -1, 0)
    return memory == MAP_FAILED ? nil : memory
  }

  /// Bytes of the largest region.
  var largest: Int { regions.last?.bytes ?? 0 }

  deinit { for region in regions { munmap(region.base, region.bytes) } }
}

/// Memory that is freed with its owner, 64-byte aligned.
final class Allocations {
  private var blocks: [UnsafeMutableRawPointer] = []
  private var cleanups: [() -> Void] = []

  func floats(_ count: Int) -> UnsafeMutablePointer<Float> {
    let block = UnsafeMutableRawPointer.allocate(byteCount: Swift.max(64, count * 4), alignment: 64)
    blocks.append(block)
    let floats = block.bindMemory(to: Float.self, capacity: count)
    floats.initialize(repeating: 0, count: count)
    return floats
  }

  /// A copy of trivial values that stays where it is.
  func array<Value: BitwiseCopyable>(_ values: [Value]) -> UnsafeMutablePointer<Value> {
    let bytes = Swift.max(64, values.count * MemoryLayout<Value>.stride)
    let block = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    blocks.append(block)
    let pointer = block.bindMemory(to: Value.self, capacity: values.count)
    for (i, value) in values.enumerated() { (pointer + i).initialize(to: value) }
    return pointer
  }

  func onRelease(_ body: @escaping () -> Void) { cleanups.append(body) }

  deinit {
    for cleanup in cleanups { cleanup() }
    for block in blocks { block.deallocate() }
  }
}

func processorCount() -> Int { Swift.max(1, Swift.min(256, sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
