import ArgumentParser

/// Trials that take longer than a test.
@main
struct Trials: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "Trials",
    abstract:
      "Run trials that take longer than tests: kill runs, damage files, compare bytes and costs.",
    subcommands: [Soak.self, Fuzz.self, FuzzWorker.self, Repeatability.self, Overhead.self])
}

/// Failure of a trial, on one line.
struct TrialError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
