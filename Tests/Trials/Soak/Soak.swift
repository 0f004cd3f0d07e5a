import ArgumentParser
import Datasets
import Foundation
import Runs
import Support
import TestSupport
import Training

/// Kills and resumes runs: each must end identical to an uninterrupted run.
struct Soak: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Kill short runs of every model, half at random moments, half at each kind of write.",
    discussion: """
      Half of the kills placed at a call also lose what a power cut would: bytes and names that were not \
      synchronized. A run is killed up to three times before it is left to finish.
      """)

  @Option(help: "Number of kills.")
  var kills = 200

  @Option(help: "Seed of the moments.")
  var seed: UInt64 = 0

  @Option(help: ArgumentHelp("Text that the names of the runs must contain.", valueName: "text"))
  var only = ""

  func run() throws {
    let runs = SmallRun.all.filter { $0.name.contains(only) || only.isEmpty }
    guard !runs.isEmpty, kills > 0 else {
      throw ValidationError("--kills: expected at least 1, and a run that matches --only")
    }
    let start = ContinuousClock.now
    let workshop = try Workshop()
    var generator = SplitMix64(state: seed)
    var subjects = try runs.map { try Subject($0, workshop) }
    var done = 0
    while done < kills {
      for i in subjects.indices where done < kills {
        done += try subjects[i].attack(
          limit: min(kills - done, Int.random(in: 1...3, using: &generator)), workshop, seed: seed,
          &generator)
      }
    }
    for line in columns([Subject.titles] + subjects.map(\.row)) { print(line) }
    var kinds: [String: Int] = [:]
    for subject in subjects { kinds.merge(subject.kills) { $0 + $1 } }
    let placed = kinds.filter { $0.key != Subject.atRandom }
    let list = placed.sorted { $0.key < $1.key }.map { "\($0.value) at \($0.key)" }
    let powerCuts = subjects.reduce(0) { $0 + $1.powerCuts }
    print("")
    print(
      "\(done) kills, seed \(seed): \(kinds[Subject.atRandom] ?? 0) at random moments, "
        + "\(placed.values.reduce(0, +)) placed (\(list.joined(separator: ", "))), \(powerCuts) of these "
        + "with the power")
    print(
      "\(subjects.reduce(0) { $0 + $1.resumed }) broken runs, each with all files of the unbroken one, "
        + "byte for byte; 0 lines of metrics or timings lost or doubled; "
        + "\((ContinuousClock.now - start).components.seconds) s")
  }
}

/// One small run, uninterrupted, and the counts of its interrupted copies.
private struct Subject {
  static let atRandom = "random"
  static let titles = [
    "run", "steps", "writing calls", "kills at random", "placed", "with the power", "broken runs",
    "checkpoint",
  ]

  let run: SmallRun
  private let files: [String: [UInt8]]
  private let timedSteps: [Int]
  private let steps: Int
  /// Kinds of calls that change a file, in order.
  private let calls: [String]
  private let seconds: Double
  private(set) var kills: [String: Int] = [:]
  private(set) var powerCuts = 0
  private(set) var resumed = 0
  private var turn = 0

  private var whole: String { "whole/" + run.name }
  private var broken: String { "broken/" + run.name }

  init(_ run: SmallRun, _ workshop: Workshop) throws {
    self.run = run
    let name = "whole/" + run.name
    let log = workshop.path(run.name + ".log")
    let start = ContinuousClock.now
    try workshop.run(
      ["train", run.name + ".yaml", "--out", workshop.path(name)],
      crashPoints: ["FOLDER": workshop.path(name), "LOG": log])
    seconds = Double((ContinuousClock.now - start) / .microseconds(1)) * 1e-6
    files = Self.files(of: name, workshop)
    let paths = RunPaths(workshop.path(name))
    timedSteps = try Metrics.read(paths.timings).records.map(\.step)
    steps = try Checkpoint(paths.checkpoint).step
    calls = String(decoding: workshop.bytes(run.name + ".log") ?? [], as: UTF8.self)
      .split(separator: "\n").map(String.init)
    guard calls.count > 20, Set(calls).isSuperset(of: ["write", "fsync", "rename", "fsync folder"])
    else { throw TrialError("\(run.name): its writing calls are not seen: \(calls)") }
  }

  /// Files that equal runs share: all except the lock and the wall-clock times.
  private static func files(of name: String, _ workshop: Workshop) -> [String: [UInt8]] {
    let names = workshop.files(in: name).filter { $0 != ".lock" && $0 != "timings.jsonl" }
    return Dictionary(
      uniqueKeysWithValues: names.map { ($0, workshop.bytes(name + "/" + $0) ?? []) })
  }

  /// Kills a new run at most `limit` times, lets it finish and compares; returns the number of
  /// kills.
  mutating func attack(
    limit: Int, _ workshop: Workshop, seed: UInt64, _ generator: inout SplitMix64
  ) throws -> Int {
    workshop.remove(broken)
    var history: [String] = []
    var saved = 0
    func failure(_ what: String) -> TrialError {
      TrialError(
        "\(run.name), seed \(seed), killed \(history.joined(separator: ", then ")): \(what)")
    }
    let arguments = [
      "train", run.name + ".yaml", "--out", workshop.path(broken), "--resume", "--threads",
      "\(Int.random(in: 1...2, using: &generator))",
    ]
    while history.count < limit {
      turn += 1
      let isPlaced = turn % 2 == 0
      let child: Workshop.Child
      var kind = Self.atRandom
      var isPowerCut = false
      if isPlaced {
        // Every kind of call in turn, so that rare ones are covered.
        let kinds = Set(calls).sorted()
        kind = kinds[turn / 2 % kinds.count]
        let places = calls.indices.filter { calls[$0] == kind }
        let place = places[Int.random(in: places.indices, using: &generator)] + 1
        isPowerCut = Bool.random(using: &generator)
        child = try workshop.start(
          arguments,
          crashPoints: [
            "FOLDER": workshop.path(broken), "AT": "\(place)", "POWER": isPowerCut ? "1" : "0",
          ])
        history.append("at call \(place) (\(kind))\(isPowerCut ? " with the power" : "")")
      } else {
        let moment = Double.random(in: 0...seconds, using: &generator)
        child = try workshop.start(arguments)
        usleep(UInt32(moment * 1e6))
        child.kill()
        history.append("after \(Int(moment * 1000)) ms")
      }
      let end = child.wait()
      let messages = child.messages()
      guard end == .signal(SIGKILL) else {
        history.removeLast()
        guard end == .exit(0) else { throw failure("\(end): \(messages)") }
        break
      }
      kills[kind, default: 0] += 1
      powerCuts += isPowerCut ? 1 : 0
      let checkpoint = RunPaths(workshop.path(broken)).checkpoint
      let step = FileSystem.kind(of: checkpoint) == .file ? try Checkpoint(checkpoint).step : 0
      guard step >= saved else { throw failure("step \(step) is left of step \(saved)") }
      saved = step
    }
    if history.isEmpty { return 0 }
    let child = try workshop.start(arguments)
    let (end, messages) = (child.wait(), child.messages())
    guard end == .exit(0) else { throw failure("its resume ended with \(end): \(messages)") }
    resumed += 1
    try compare(workshop, failure)
    return history.count
  }

  private func compare(_ workshop: Workshop, _ failure: (String) -> TrialError) throws {
    let found = Self.files(of: broken, workshop)
    let name = "metrics.jsonl"
    if found[name] != files[name] {
      func lines(_ bytes: [UInt8]?) -> [Substring] {
        String(decoding: bytes ?? [], as: UTF8.self).split(separator: "\n")
      }
      let (there, here) = (lines(files[name]), lines(found[name]))
      let lost = Set(there).subtracting(here).count
      throw failure("\(lost) lines of metrics lost, \(here.count - there.count + lost) too many")
    }
    let timed = try Metrics.read(RunPaths(workshop.path(broken)).timings).records.map(\.step)
    guard timed == timedSteps else { throw failure("timings of steps \(timed), not \(timedSteps)") }
    for name in Set(files.keys).union(found.keys).sorted() where files[name] != found[name] {
      let what = files[name] == nil ? "is left over" : found[name] == nil ? "is missing" : "differs"
      throw failure("\(name) \(what)")
    }
  }

  var row: [String] {
    let random = kills[Self.atRandom] ?? 0
    return [
      run.name, "\(steps)", "\(calls.count)", "\(random)",
      "\(kills.values.reduce(0, +) - random)", "\(powerCuts)", "\(resumed)",
      String(SHA256.hex(files["checkpoint.safetensors"] ?? []).prefix(12)),
    ]
  }
}
