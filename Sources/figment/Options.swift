import ArgumentParser
import Logging
import Support
import TensorCore
import Training

/// Options of every command that computes.
struct Computing: ParsableArguments {
  @Option(
    name: .customLong("threads"),
    help: ArgumentHelp(
      "Number of threads, which does not change results; all processors by default.", valueName: "n"
    ))
  var chosenThreads: Int?

  var threads: Int { chosenThreads ?? Runtime.processors }

  mutating func validate() throws {
    if let chosenThreads, !(1...256).contains(chosenThreads) {
      throw ValidationError("--threads: expected 1 to 256, found \(chosenThreads)")
    }
  }
}

/// Options for messages on standard error.
struct Reporting: ParsableArguments {
  @Flag(help: "Print only warnings and errors, no progress.")
  var quiet = false

  var style: Progress.Style { quiet ? .quiet : .automatic }

  /// A logger that shares the console with the progress bar.
  func log(_ console: Console) -> Logger {
    Logger(label: "figment") { _ in
      ConsoleLogHandler(console: console, level: quiet ? .warning : .info)
    }
  }
}

/// Option for the folder of downloaded data sets.
struct DataFolder: ParsableArguments {
  @Option(
    name: .customLong("data-directory"),
    help: ArgumentHelp("Folder of downloaded data sets.", valueName: "dir"))
  var path = "data"
}

/// Options that override settings of the experiment file.
struct Overrides: ParsableArguments {
  @Option(
    name: .customLong("set"),
    help: ArgumentHelp(
      "Override a setting, such as model.base=64; may be repeated.", valueName: "key=value"))
  var assignments: [String] = []

  mutating func validate() throws {
    for assignment in assignments where !assignment.dropFirst().contains("=") {
      throw ValidationError("--set: expected key=value, found '\(assignment)'")
    }
  }
}

/// This command line as it was typed.
func typedCommand() -> String {
  shellCommand(["figment"] + CommandLine.arguments.dropFirst())
}

/// The seed given as an option.
///
/// - Throws: `ValidationError` unless it is a whole number that fits `UInt64`.
func seed(argument: String) throws -> UInt64 {
  guard let seed = UInt64(argument) else {
    throw ValidationError("expected a whole number from 0 to \(UInt64.max)")
  }
  return seed
}
