import ArgumentParser
import Logging
import Support
import TensorCore
import Training

/// What every command that computes takes.
struct Computing: ParsableArguments {
  @Option(
    name: .customLong("threads"),
    help: ArgumentHelp(
      "Threads; the results do not depend on them. All processors by default.", valueName: "n"))
  var chosenThreads: Int?

  var threads: Int { chosenThreads ?? Runtime.processors }

  mutating func validate() throws {
    if let chosenThreads, !(1...256).contains(chosenThreads) {
      throw ValidationError("--threads is from 1 to 256, not \(chosenThreads)")
    }
  }
}

/// What a command says on standard error while it works.
struct Reporting: ParsableArguments {
  @Flag(help: "No progress and no messages but warnings and errors.")
  var quiet = false

  var style: Progress.Style { quiet ? .quiet : .automatic }

  /// Messages on a console that they share with the progress.
  func log(_ console: Console) -> Logger {
    Logger(label: "figment") { _ in
      ConsoleLogHandler(console: console, level: quiet ? .warning : .info)
    }
  }
}

/// Where downloaded data sets are.
struct DataFolder: ParsableArguments {
  @Option(
    name: .customLong("data-directory"),
    help: ArgumentHelp("The folder of downloaded data sets.", valueName: "dir"))
  var path = "data"
}

/// Changes to the settings of an experiment file.
struct Overrides: ParsableArguments {
  @Option(
    name: .customLong("set"),
    help: ArgumentHelp(
      "Changes a setting, such as model.base=64. May be repeated.", valueName: "key=value"))
  var assignments: [String] = []

  mutating func validate() throws {
    for assignment in assignments where !assignment.dropFirst().contains("=") {
      throw ValidationError("--set takes key=value, not '\(assignment)'")
    }
  }
}

/// This command line as it was typed.
func typedCommand() -> String {
  shellCommand(["figment"] + CommandLine.arguments.dropFirst())
}

/// A seed of an option.
///
/// - Throws: `ValidationError` for what is none.
func seed(argument: String) throws -> UInt64 {
  guard let seed = UInt64(argument) else {
    throw ValidationError("expected a whole number from 0 to \(UInt64.max)")
  }
  return seed
}
