import ArgumentParser

/// What takes longer than a test.
@main
struct Trials: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "Trials",
    abstract: "Kills runs, damages files, compares bytes and costs: what takes longer than a test.",
    subcommands: [Soak.self, Fuzz.self, FuzzWorker.self, Repeatability.self, Overhead.self])
}

/// Why a trial failed, on one line.
struct TrialError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
