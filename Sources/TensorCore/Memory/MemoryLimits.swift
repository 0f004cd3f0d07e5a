#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The limits of the memory that this process may still take.
public struct MemoryLimits: Sendable {
  /// A limit that waiting does not lift.
  public struct Limit: Sendable, Equatable {
    /// Name of the limit, and the place where it is set.
    public let name: String
    /// Bytes that this process may take beyond what it has.
    public let left: Int
  }

  /// Every bound that there is.
  public let limits: [Limit]
  /// Bytes that could be had at once, which other processes decide, or nil where nothing tells.
  public let free: Int?

  /// Given bounds.
  public init(limits: [Limit], free: Int?) { (self.limits, self.free) = (limits, free) }

  /// The limits of this process now: of its address space and data, of its control groups (version 1 and 2) and of
  /// the machine with its swap.
  public static var current: MemoryLimits { MemoryLimits(root: "") }

  /// - Parameter root: Prefix of `/proc` and `/sys`.
  package init(root: String) {
    var limits: [Limit] = []
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    // Pages: of address space, resident, shared, of text, unused, of data and stack.
    let pages = (text(of: root + "/proc/self/statm") ?? "").split(separator: " ").map {
      (Int($0) ?? 0) * page
    }
    func used(_ i: Int) -> Int { i < pages.count ? pages[i] : 0 }
    if let bytes = Self.addressSpace {
      limits.append(
        Limit(name: "the limit of address space (ulimit -v)", left: Swift.max(0, bytes - used(0))))
    }
    if let bytes = softLimit(of: dataLimit) {
      limits.append(
        Limit(name: "the limit of data (ulimit -d)", left: Swift.max(0, bytes - used(5))))
    }
    var free: Int?
    for group in controlGroups(root) {
      limits.append(
        Limit(
          name: "the memory limit of the control group \(group.name)",
          left: Swift.max(0, group.limit - used(1))))
      if let usage = group.usage {
        let rest = Swift.max(0, group.limit - usage)
        free = Swift.min(free ?? rest, rest)
      }
    }
    let memory = meminfo(root)
    if let total = memory["MemTotal"] {
      limits.append(
        Limit(
          name: "the machine",
          left: Swift.max(0, total + (memory["SwapTotal"] ?? 0) - used(1))))
    }
    if let available = memory["MemAvailable"] {
      let rest = available + (memory["SwapFree"] ?? 0)
      free = Swift.min(free ?? rest, rest)
    }
    (self.limits, self.free) = (limits, free)
  }

  /// Bytes of address space that this process may have in all, or nil where nothing bounds them.
  static var addressSpace: Int? { softLimit(of: addressSpaceLimit) }

  /// The tightest bound that `bytes` more would break, or nil where they can be had.
  public func broken(by bytes: Int) -> Limit? {
    limits.filter { $0.left < bytes }.min { $0.left < $1.left }
  }

  /// - Parameter what: The task that needs `bytes` more, such as "training".
  /// - Throws: `TensorError` where no patience would give them, with the need, the limit and `remedy`.
  public func check(_ bytes: Int, for what: String, remedy: String) throws {
    guard let limit = broken(by: bytes) else { return }
    throw TensorError(
      "\(what) needs \(memorySize(bytes)) of memory, and \(limit.name) leaves "
        + "\(memorySize(limit.left)): \(remedy)")
  }

  /// A warning for the user that `bytes` more are not free now; nil if they are.
  public func warning(_ bytes: Int, for what: String) -> String? {
    guard let free, free < bytes else { return nil }
    return "\(what) needs \(memorySize(bytes)) of memory, and \(memorySize(free)) are free now"
  }
}

/// Bytes as people read them: "1.2 GB".
public func memorySize(_ bytes: Int) -> String {
  let (unit, name) = bytes < 999_500_000 ? (1e6, "MB") : (1e9, "GB")
  let tenths = (Double(bytes) / unit * 10).rounded()
  let whole = Int(tenths / 10)
  return whole >= 100
    ? "\(Int((tenths / 10).rounded())) \(name)" : "\(whole).\(Int(tenths) % 10) \(name)"
}

// Glibc's names are an enumeration, others' are numbers.
#if canImport(Glibc)
  private let (addressSpaceLimit, dataLimit) = (
    Int32(RLIMIT_AS.rawValue), Int32(RLIMIT_DATA.rawValue)
  )
#else
  private let (addressSpaceLimit, dataLimit) = (Int32(RLIMIT_AS), Int32(RLIMIT_DATA))
#endif

private func softLimit(of resource: Int32) -> Int? {
  var limit = rlimit()
  guard getrlimit(resource, &limit) == 0 else { return nil }
  // Infinity is the largest number, or near it.
  return limit.rlim_cur < UInt64(Int.max) ? Int(limit.rlim_cur) : nil
}

/// The text of a small file, or nil if it cannot be read.
private func text(of path: String) -> String? {
  guard let file = fopen(path, "r") else { return nil }
  defer { fclose(file) }
  var bytes = [UInt8](repeating: 0, count: 1 << 16)
  let count = fread(&bytes, 1, bytes.count, file)
  return String(decoding: bytes[..<count], as: UTF8.self)
}

/// Bytes by name.
private func meminfo(_ root: String) -> [String: Int] {
  var result: [String: Int] = [:]
  for line in (text(of: root + "/proc/meminfo") ?? "").split(separator: "\n") {
    let parts = line.split(whereSeparator: { $0 == ":" || $0 == " " })
    if parts.count >= 2, let kilobytes = Int(parts[1]) {
      result[String(parts[0])] = kilobytes * 1024
    }
  }
  return result
}

/// The control groups that bound this process: its own and those around it.
private func controlGroups(_ root: String) -> [(name: String, limit: Int, usage: Int?)] {
  var found: [(name: String, limit: Int, usage: Int?)] = []
  for line in (text(of: root + "/proc/self/cgroup") ?? "").split(separator: "\n") {
    let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3 else { continue }
    let isSecond = parts[0] == "0" && parts[1].isEmpty
    guard isSecond || parts[1].split(separator: ",").contains("memory") else { continue }
    let mounts =
      isSecond ? ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] : ["/sys/fs/cgroup/memory"]
    let names =
      isSecond
      ? ["memory.max", "memory.current"] : ["memory.limit_in_bytes", "memory.usage_in_bytes"]
    // In a container the path may be the host's, so that only the root of what is mounted is there.
    var path = parts[2].split(separator: "/").map(String.init)
    while true {
      let group = path.map { "/" + $0 }.joined()
      for mount in mounts {
        func number(_ name: String) -> Int? {
          text(of: root + mount + group + "/" + name).flatMap {
            Int($0.prefix { $0.isNumber })
          }
        }
        // Version 1 says a number near the largest where there is no limit, version 2 "max".
        if let limit = number(names[0]), limit < 1 << 60 {
          found.append((group.isEmpty ? "/" : group, limit, number(names[1])))
        }
      }
      if path.isEmpty { break }
      path.removeLast()
    }
  }
  return found
}
