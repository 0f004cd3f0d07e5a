import Foundation
import Testing

/// Runs under limits of address space: enough memory suffices, too little is reported before
/// anything is made.
@Suite struct MemoryTests {
  private func train(_ tool: Tool, _ settings: String, kilobytes: Int) throws -> Tool.Result {
    try tool.write(tiny, to: "tiny.yaml")
    try tool.write(
      "ulimit -v \(kilobytes); exec \"$0\" train tiny.yaml --threads 2 \(settings)",
      to: "limited.sh")
    return try tool.run("limited.sh", shell: true)
  }

  @Test(arguments: [16_000_000, 2_000_000, 600_000])
  func aSmallRunNeedsLittle(_ kilobytes: Int) throws {
    let tool = try Tool()
    let result = try train(tool, "", kilobytes: kilobytes)
    #expect(result.code == 0, "\(result.errors)")
    #expect(tool.exists("outputs/tiny/samples.png"))
  }

  @Test(arguments: [
    ("--set batch=65536 --set model.width=8192 --set model.depth=2", 2_000_000, "batch (65536)"),
    ("--set model.width=8192 --set model.depth=8", 4_000_000, "model.width"),
  ])
  func whatCannotBeHadIsRefusedBeforeAFolderIsMade(
    _ settings: String, _ kilobytes: Int, _ setting: String
  ) throws {
    let tool = try Tool()
    let result = try train(tool, settings, kilobytes: kilobytes)
    #expect(result.code == 1, "\(result.errors)")
    #expect(result.errors.contains("this training needs"), "\(result.errors)")
    #expect(result.errors.contains("the limit of address space (ulimit -v) leaves"))
    #expect(result.errors.contains(setting))
    #expect(!tool.exists("outputs"))
  }
}
