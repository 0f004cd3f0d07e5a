import Foundation
import Testing

/// Short forms of `make soak`, `make fuzz` and `make repeatability`.
@Suite(.serialized) struct TrialTests {
  let tool: Tool
  init() throws { tool = try Tool() }

  @Test(arguments: [0, 1]) func killedRunsEndIdenticalToUninterruptedOnes(_ seed: Int) throws {
    let kills = 25
    let result = try tool.run("soak --kills \(kills) --seed \(seed)", program: "Trials")
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.output.contains("\(kills) kills, seed \(seed): "), "\(result.output)")
  }

  @Test func damagedFilesAreReadOrRefused() throws {
    let result = try tool.run("fuzz --files 24000 --seed 1", program: "Trials")
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.output.contains("24000 files, seed 1, "), "\(result.output)")
  }

  @Test(arguments: ["ddpm-points", "vae-vmf", "wgan-images"])
  func theTableOfEqualBytes(_ run: String) throws {
    let result = try tool.run("repeatability --only \(run)", program: "Trials")
    #expect(result.code == 0, "\(result.output)\(result.errors)")
    #expect(result.output.contains("| \(run) | `"), "\(result.output)")
  }
}
