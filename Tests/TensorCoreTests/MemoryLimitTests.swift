import Foundation
import TensorCore
import Testing

/// Limits of memory as files of the system tell them, and what is said where one is broken.
@Suite struct MemoryLimitTests {
  private func limits(_ files: [String: String]) throws -> MemoryLimits {
    let root = FileManager.default.temporaryDirectory.path + "/limits-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: root) }
    for (name, text) in files {
      let url = URL(fileURLWithPath: root + name)
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: url)
    }
    return MemoryLimits(root: root)
  }

  static let groups: [[String: String]] = [
    [
      "/proc/self/cgroup": "0::/user/job\n", "/sys/fs/cgroup/user/job/memory.max": "2000000\n",
      "/sys/fs/cgroup/user/job/memory.current": "1500000\n",
      "/sys/fs/cgroup/user/memory.max": "max\n",
    ],
    // The limit is on a group around it, and in a container on the root of what is mounted.
    [
      "/proc/self/cgroup": "0::/user/job\n", "/sys/fs/cgroup/user/job/memory.max": "max\n",
      "/sys/fs/cgroup/user/memory.max": "2000000\n",
      "/sys/fs/cgroup/user/memory.current": "1500000",
    ],
    [
      "/proc/self/cgroup": "0::/docker/abc\n", "/sys/fs/cgroup/memory.max": "2000000\n",
      "/sys/fs/cgroup/memory.current": "1500000\n",
    ],
    [
      "/proc/self/cgroup": "9:cpu:/a\n4:memory,other:/b/c\n1:name=systemd:/d\n",
      "/sys/fs/cgroup/memory/b/memory.limit_in_bytes": "2000000\n",
      "/sys/fs/cgroup/memory/b/memory.usage_in_bytes": "1500000\n",
      "/sys/fs/cgroup/memory/b/c/memory.limit_in_bytes": "9223372036854771712\n",
    ],
  ]

  @Test(arguments: groups) func controlGroupsOfBothVersions(_ files: [String: String]) throws {
    let limits = try limits(files)
    #expect(limits.broken(by: 2_000_000) == nil)
    #expect(
      limits.broken(by: 2_000_001)?.name.hasPrefix("the memory limit of the control group /")
        == true)
    #expect(limits.free == 500_000)
    #expect(limits.warning(500_000, for: "it") == nil)
    #expect(
      limits.warning(600_000, for: "it") == "it needs 0.6 MB of memory, and 0.5 MB are free now")
  }

  @Test func theMachineWithItsSwap() throws {
    let limits = try limits([
      "/proc/meminfo": """
      MemTotal:        1000 kB
      MemAvailable:     300 kB
      SwapTotal:        500 kB
      SwapFree:         100 kB
      """
    ])
    #expect(limits.broken(by: 1500 * 1024) == nil)
    #expect(limits.broken(by: 1500 * 1024 + 1)?.name == "the machine")
    #expect(limits.free == 400 * 1024)
  }

  @Test func theTightestLimitIsNamedWithTheNeedAndTheRemedy() throws {
    let limits = try limits([
      "/proc/meminfo": "MemTotal: 9000000 kB\n", "/proc/self/cgroup": "0::/\n",
      "/sys/fs/cgroup/memory.max": "120000000\n",
    ])
    let limit = "the memory limit of the control group /"
    #expect(
      throws: TensorError(
        "this needs 1.2 GB of memory, and \(limit) leaves 120 MB: a smaller batch needs less")
    ) { try limits.check(1_240_000_000, for: "this", remedy: "a smaller batch needs less") }
  }

  /// A planned program needs the same arena and persistent memory as one that runs.
  @Test func aPlanKnowsWhatAProgramNeeds() throws {
    let x = Tensor.input("x", [64, 1000])
    let w = Variable("w", initially: .zeros([1000, 50]))
    let y = tanh(x.matmul(w.value)).sum()
    let planning = try Runtime.planning(seed: 0, threads: 2)
    _ = try planning.compile("p", [y], updates: [Update(w, 2 * w.value)])
    #expect(planning.planned.variables == 200_000)
    #expect((256_000..<260_000).contains(planning.planned.lasting))
    let runtime = try Runtime(seed: 0, threads: 2)
    let program = try runtime.compile("p", [y], updates: [Update(w, 2 * w.value)])
    #expect(planning.planned.arena <= program.arenaBytes + 0x10000)
  }

  @Test func moreThanTheMachineHasIsRefusedByCompile() throws {
    let huge = Tensor.input("huge", [1 << 30, 1 << 12])
    #expect {
      try Runtime(seed: 0, threads: 1).compile("p", [huge.sum()])
    } throws: {
      "\($0)".hasPrefix("program p needs 17592.2 GB of memory, and ")
        || "\($0)".hasPrefix("program p needs 17592 GB of memory, and ")
    }
  }
}
