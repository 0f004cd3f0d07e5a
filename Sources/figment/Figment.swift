import ArgumentParser
import Logging
import Training

/// The command line: parses, calls `Training`, prints.
@main
struct Figment: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "figment",
    abstract: "A playground for generative models on an ordinary CPU.",
    version: figmentVersion,
    subcommands: [Train.self, Sample.self, Evaluate.self, Data.self, Info.self, Plan.self, Bench.self])

  /// As the library's own, but other failures print their one line and exit 1, without usage.
  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let error where error is any OneLineError {
      Console().print("error: \(error)")
      Self.exit(withError: ExitCode(1))
    } catch {
      Self.exit(withError: error)
    }
  }
}

/// What every command that computes takes.
struct Computing: ParsableArguments {
  @Option(help: "Threads; the results do not depend on them. All processors by default.")
  var threads: Int?

  @Option(help: ArgumentHelp("The folder of downloaded data sets.", valueName: "dir"))
  var dataDirectory = "data"

  @Flag(help: "No progress and no messages but warnings and errors.")
  var quiet = false

  mutating func validate() throws {
    if let threads, !(1...256).contains(threads) {
      throw ValidationError("--threads is from 1 to 256, not \(threads)")
    }
  }
}

/// A standard error shared by progress and messages.
func makeLog(_ console: Console, quiet: Bool) -> Logger {
  Logger(label: "figment") { _ in
    ConsoleLogHandler(console: console, level: quiet ? .warning : .info)
  }
}

/// The command line as it was typed, for pictures that say what made them.
func typedCommand() -> String {
  let words = CommandLine.arguments.dropFirst().map { word in
    let plain = word.allSatisfy { $0.isLetter || $0.isNumber || "-_./=,:+@".contains($0) }
    return plain && !word.isEmpty ? word : "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }
  return (["figment"] + words).joined(separator: " ")
}
