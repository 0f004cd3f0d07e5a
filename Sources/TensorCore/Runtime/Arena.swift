#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Scratch memory that all programs of a runtime share: reserved once, so that addresses stay, and
/// given pages by the system where it is first touched.
final class Arena {
  static let capacity = 1 << 38
  let base: UnsafeMutableRawPointer

  init() throws {
    #if os(Linux)
      let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    #else
      let flags = MAP_PRIVATE | MAP_ANON
    #endif
    guard let memory = mmap(nil, Self.capacity, PROT_READ | PROT_WRITE, flags, -1, 0),
      memory != MAP_FAILED
    else {
      throw TensorError("cannot reserve \(Self.capacity >> 30) GiB of address space")
    }
    base = memory
  }

  deinit { munmap(base, Self.capacity) }
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
