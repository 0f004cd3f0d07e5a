import Foundation
import Testing

/// Full disks and read-only folders: one line that names the path, and no file changed.
@Suite(.serialized) struct DiskTests {
  let tool: Tool
  init() throws {
    tool = try Tool()
    try tool.write(tiny, to: "tiny.yaml")
  }

  private func files(in folder: String) throws -> [String: [UInt8]] {
    let all = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    return Dictionary(
      uniqueKeysWithValues: all.compactMap { name in
        FileManager.default.contents(atPath: folder + "/" + name).map { (name, Array($0)) }
      })
  }

  /// Files that must not change: the experiment, the checkpoint and the metrics up to it.
  private func check(
    _ result: Tool.Result, _ folder: String, _ before: [String: [UInt8]], reason: String,
    _ context: Comment
  ) throws {
    #expect(result.code == 1, context)
    #expect(result.output.isEmpty, context)
    let line = result.lastErrorLine
    #expect(line.hasPrefix("error: \(folder)/"), "\(line) \(context)")
    #expect(line.hasSuffix(": \(reason)"), "\(line) \(context)")
    #expect(line.contains(": cannot "), "\(line) \(context)")
    let after = try files(in: folder)
    for name in ["experiment.yaml", "checkpoint.safetensors"] {
      #expect(after[name] == before[name] && after[name] != nil, "\(name) \(context)")
    }
    let old = try #require(before["metrics.jsonl"])
    #expect(after["metrics.jsonl"]?.starts(with: old) == true, context)
    #expect(after["metrics.jsonl"]?.last == UInt8(ascii: "\n"), context)
    #expect(!after.keys.contains { $0.hasSuffix(".partial") }, "\(after.keys) \(context)")
  }

  /// Errors of a full disk, a read-only file system and a failing disk, at every writing call of a
  /// run.
  @Test(arguments: [
    (ENOSPC, "No space left on device"), (EROFS, "Read-only file system"),
    (EIO, "Input/output error"),
  ]) func everyWritingCallMayFail(_ code: Int32, _ reason: String) throws {
    #expect(try tool.run("train tiny.yaml --out whole --quiet").code == 0)
    let out = tool.path("broken")
    var call = 1
    var failures = 0
    while true {
      let context: Comment = "call \(call), error \(code)"
      try? FileManager.default.removeItem(atPath: out)
      #expect(try tool.run("train tiny.yaml --out \(out) --quiet --stop-at 15").code == 0)
      let before = try files(in: out)
      let result = try tool.run(
        "train tiny.yaml --out \(out) --quiet --resume",
        environment: tool.crashPoints(out, ["AT": "\(call)", "ERROR": "\(code)"]))
      if result.code == 0 { break }
      failures += 1
      if failures == 1
        || tool.bytes("broken/checkpoint.safetensors") == before["checkpoint.safetensors"]
      {
        try check(result, out, before, reason: reason, context)
      }
      #expect(try tool.run("train tiny.yaml --out \(out) --quiet --resume").code == 0, context)
      for name in ["checkpoint.safetensors", "metrics.jsonl", "samples.png"] {
        #expect(tool.bytes("broken/" + name) == tool.bytes("whole/" + name), "\(name) \(context)")
      }
      // Later calls repeat the earlier ones.
      call += call < 20 ? 1 : 7
    }
    #expect(failures > 20)
  }

  /// A file size limit that the checkpoint of a wider model exceeds.
  @Test func aFileSizeLimitIsAnError() throws {
    let out = tool.path("limited")
    let line =
      "train tiny.yaml --out \(out) --quiet --set model.width=256 --set report.samplesEvery=1000"
    #expect(try tool.run(line + " --stop-at 15").code == 0)
    let before = try files(in: out)
    let size = try #require(before["checkpoint.safetensors"]).count
    let result = try tool.run(line + " --resume", fileLimit: size / 2)
    try check(result, out, before, reason: "File too large", "limit \(size / 2)")
    #expect(result.lastErrorLine.contains("checkpoint.safetensors: cannot write"))
    let drawn = try tool.run("sample \(out) --count 100000 --npy all.npy --quiet", fileLimit: 4096)
    #expect(drawn.errors == "error: all.npy: cannot write: File too large\n")
    #expect(!tool.exists("all.npy"))
    #expect(try tool.run(line + " --resume").code == 0)
  }

  /// A small file system of its own, which only root can make.
  @Test(.enabled(if: geteuid() == 0, "mounting a file system needs root"))
  func aFullFileSystem() throws {
    try tool.makeFolder("small")
    let disk = tool.path("small")
    func system(_ words: String...) throws -> Int32 {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = words
      process.standardError = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      return process.terminationStatus
    }
    // A container's root may not be allowed to mount either.
    guard try system("mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", disk) == 0 else { return }
    defer { _ = try? system("umount", disk) }
    let line =
      "train tiny.yaml --out \(disk)/run --quiet --set model.width=256 --set report.samplesEvery=1000"
    #expect(try tool.run(line + " --stop-at 15").code == 0)
    let before = try files(in: disk + "/run")
    try tool.write(
      [UInt8](repeating: 1, count: 1 << 19).prefix(fill(disk)).map { $0 }, to: "small/fill")
    let result = try tool.run(line + " --resume")
    try check(result, disk + "/run", before, reason: "No space left on device", "full")
    #expect(try tool.run("info \(disk)/run").code == 0)
    unlink(disk + "/fill")
    #expect(try tool.run(line + " --resume").code == 0)
    // The same file system, mounted read-only.
    #expect(try system("mount", "-o", "remount,ro", disk) == 0)
    let refused = try tool.run(line.replacing("--quiet", with: "--quiet --steps 40") + " --resume")
    #expect(refused.code == 1)
    let another = try tool.run("train tiny.yaml --out \(disk)/another --quiet")
    #expect(
      another.errors == "error: \(disk)/another: cannot make the folder: Read-only file system\n")
  }

  /// Fill bytes that leave 8 kB of a file system free.
  private func fill(_ disk: String) -> Int {
    var status = statvfs()
    guard statvfs(disk, &status) == 0 else { return 0 }
    return max(0, Int(status.f_bavail) * Int(status.f_frsize) - 8192)
  }
}
