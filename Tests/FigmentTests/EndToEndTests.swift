import Foundation
import Testing

@Suite(.serialized) struct EndToEndTests {
  let tool: Tool
  init() throws { tool = try Tool() }

  private let long = "--threads 1 --set model.width=32 --steps 8000 --set report.samplesEvery=5000"

  @Test func aSignalSavesTheRunForResuming() throws {
    try tool.write(tiny, to: "tiny.yaml")
    #expect(try tool.run("train tiny.yaml --out whole --quiet \(long)").code == 0)
    for (number, code) in [(SIGINT, Int32(130)), (SIGTERM, 143), (SIGHUP, 129)] {
      let result = try tool.run("train tiny.yaml --out broken --resume \(long)") { process in
        let written = tool.bytes("broken/metrics.jsonl")?.count ?? 0
        let deadline = Date(timeIntervalSinceNow: 20)
        while (tool.bytes("broken/metrics.jsonl")?.count ?? 0) < written + 200 {
          guard Date() < deadline, process.isRunning else {
            throw Tool.Failure(description: "the training wrote no metrics to interrupt it after")
          }
          usleep(1000)
        }
        kill(process.processIdentifier, number)
      }
      #expect(result.code == code)
      #expect(result.output.isEmpty)
      let last = result.lastErrorLine
      #expect(last.hasPrefix("interrupted: saved at step "), "\(result.errors)")
      #expect(last.hasSuffix(" of 8000; --resume continues"))
      #expect(tool.exists("broken/curves.png"))
      #expect(!tool.exists("broken/samples.png"))
    }
    let result = try tool.run("train tiny.yaml --out broken --resume \(long)")
    #expect(result.code == 0)
    for file in ["checkpoint.safetensors", "metrics.jsonl", "samples.png", "curves.png"] {
      let bytes = tool.bytes("broken/" + file)
      #expect(bytes != nil && bytes == tool.bytes("whole/" + file), "\(file)")
    }
  }

  @Test func eightGaussiansAreLearned() throws {
    let experiment = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../Experiments/ddpm-toy.yaml").standardized.path
    let trained = try tool.run("train \(experiment)")
    #expect(trained.code == 0, "\(trained.errors)")
    #expect(trained.output == "outputs/ddpm-toy/samples.png\n")
    let evaluated = try tool.run("evaluate outputs/ddpm-toy --json --quiet")
    #expect(evaluated.code == 0)
    #expect(evaluated.errors.isEmpty)
    let object = try JSONSerialization.jsonObject(with: Data(evaluated.output.utf8))
    let row = try #require((object as? [[String: Any]])?.first)
    #expect(row["modes"] as? Int == 8)
    #expect(row["modes_found"] as? Int == 8)
    #expect(row["n"] as? Int == 10_000)
    let quality = try #require(row["high_quality"] as? Double)
    #expect(quality >= 0.9, "\(evaluated.output)")
  }
}
