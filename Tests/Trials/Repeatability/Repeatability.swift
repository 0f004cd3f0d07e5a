import ArgumentParser
import Datasets
import Evaluation
import Experiments
import Foundation
import Likelihood
import Reporting
import Support
import TensorCore
import Training

/// Compares the bytes of training, sampling and likelihood of every small run for several numbers
/// of threads, and for several batch sizes of samples and examples.
struct Repeatability: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write the page on repeatability: which bytes are equal, for every model.")

  @Option(
    help: ArgumentHelp("Path of the page; standard output by default.", valueName: "file.md"))
  var out: String?

  @Option(help: ArgumentHelp("Text that the names of the runs must contain.", valueName: "text"))
  var only = ""

  /// One, two, and more threads than processors.
  static let threads = [1, 2, Runtime.processors + 3]
  /// Samples requested at once: all, some, and one by one.
  static let portions = [70, 7, 1]

  func run() throws {
    let runs = SmallRun.all.filter { $0.name.contains(only) || only.isEmpty }
    guard !runs.isEmpty else { throw ValidationError("--only: no run matches") }
    let workshop = try Workshop()
    let home = FileManager.default.currentDirectoryPath
    // The small runs name their data relative to this folder.
    guard chdir(workshop.folder) == 0 else { throw TrialError("no folder \(workshop.folder)") }
    var rows: [[String]] = []
    for run in runs {
      rows.append([
        run.name, try training(run, workshop), try sampling(run), try likelihood(run),
      ])
    }
    let page = Self.page(rows)
    if let out {
      let path = out.hasPrefix("/") ? out : home + "/" + out
      try writeAtomically(page, to: path)
    } else {
      print(page, terminator: "")
    }
    if rows.contains(where: { $0.contains { $0.contains("differs") } }) { throw ExitCode(1) }
  }

  /// The common digest of all of `bytes`, or a description of the differences.
  private func digest(_ bytes: [(what: String, bytes: [UInt8])]) -> String {
    let digests = bytes.map { ($0.what, SHA256.hex($0.bytes).prefix(12)) }
    guard let first = digests.first, !bytes.contains(where: { $0.bytes.isEmpty }) else {
      return "nothing to compare: differs"
    }
    let others = digests.filter { $0.1 != first.1 }.map(\.0)
    return others.isEmpty ? "`\(first.1)`" : "differs: \(others.joined(separator: ", "))"
  }

  /// All files of the run except the lock and the times.
  private func training(_ run: SmallRun, _ workshop: Workshop) throws -> String {
    digest(
      try Self.threads.map { threads in
        let folder = "\(run.name)-\(threads)"
        try workshop.run([
          "train", run.name + ".yaml", "--out", folder, "--threads", "\(threads)", "--quiet",
        ])
        let names = workshop.files(in: folder).filter { $0 != ".lock" && $0 != "timings.jsonl" }
        return (
          "\(threads) threads",
          names.flatMap { Array($0.utf8) + (workshop.bytes(folder + "/" + $0) ?? []) }
        )
      })
  }

  private func sampling(_ run: SmallRun) throws -> String {
    guard run.drawsSamples else { return "-" }
    let seeds = (0..<70).map { UInt64($0) }
    return digest(
      try Self.threads.flatMap { threads in
        let trained = try Run(folder: "\(run.name)-1", threads: threads)
        return try Self.portions.map { portion in
          let samples = try stride(from: 0, to: seeds.count, by: portion).flatMap {
            try trained.sample(seeds: Array(seeds[$0..<min($0 + portion, seeds.count)]))
          }
          return ("\(portion) at once, \(threads) threads", bytes(samples.map(\.bitPattern)))
        }
      })
  }

  private func likelihood(_ run: SmallRun) throws -> String {
    guard run.hasLikelihood else { return "-" }
    let counts = [20, 7, 1]
    var all: [(what: String, values: [[Double]])] = []
    for threads in Self.threads {
      for count in counts {
        var scoring = Scoring()
        (scoring.samples, scoring.examples) = (5, count)
        let trained = try Run(folder: "\(run.name)-1", threads: threads)
        let rows = try RunLikelihood(trained, scoring, name: run.name).score { _ in }
        all.append(("\(count) examples, \(threads) threads", rows.map(\.estimate.values)))
      }
    }
    guard let whole = all.first?.values else { return "-" }
    // The first of many examples must equal those of a shorter request.
    let others = all.filter { _, values in
      values.count != whole.count
        || zip(values, whole).contains { few, many in
          few.isEmpty || few.map(\.bitPattern) != many.prefix(few.count).map(\.bitPattern)
        }
    }
    guard others.isEmpty else { return "differs: \(others.map(\.what).joined(separator: ", "))" }
    return digest([("all", bytes(whole.flatMap { $0 }.map(\.bitPattern)))])
  }

  private func bytes(_ numbers: [some FixedWidthInteger]) -> [UInt8] {
    numbers.flatMap { number in
      stride(from: 0, to: number.bitWidth, by: 8).map { UInt8(truncatingIfNeeded: number >> $0) }
    }
  }

  private static func page(_ rows: [[String]]) -> String {
    let counts = threads.map { "\($0)" }.joined(separator: ", ")
    let lines = rows.map { "| " + $0.joined(separator: " | ") + " |" }
    return """
      # The same bytes

      Written by `make repeatability`; explained in [Runs](runs.md). Each cell is the beginning of
      the SHA-256 of the bytes, which were equal at \(counts) threads on \(processorName()),
      a machine of \(Runtime.processors) processors; *differs* would mark a difference. Training: every file of the run except the
      times. Sampling: 70 samples, requested at once, seven at a time and one by one. Likelihood: every
      estimator's value of each example, among 20, 7 and alone, K = 5. The runs are short and cover every
      kind; other processors round differently, so their digests differ.

      | run | training | sampling | likelihood |
      |---|---|---|---|
      \(lines.joined(separator: "\n"))

      """
  }
}
