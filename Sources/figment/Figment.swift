import ArgumentParser
import Datasets
import Training

/// The command line: parses, calls `Training`, prints.
@main
struct Figment: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "figment",
    abstract: "A playground for generative models on an ordinary CPU.",
    version: figmentVersion,
    subcommands: [
      Train.self, Sample.self, Interpolate.self, Inpaint.self, Field.self, Evaluate.self,
      Likelihoods.self, Compare.self, Reproduce.self, Data.self, Info.self, Plan.self, Bench.self,
    ])

  /// As the library's own, but failures that are no mistake of usage print one line and exit 1.
  static func main() {
    ignoreFileSizeSignal()
    do {
      try checkCommand()
      var command = try parseAsRoot()
      try command.run()
    } catch let error where error is any OneLineError {
      Console().print("error: \(error)")
      Self.exit(withError: ExitCode(1))
    } catch {
      Self.exit(withError: error)
    }
  }

  /// The library would take an unknown command for an unexpected argument.
  private static func checkCommand() throws {
    let words = CommandLine.arguments.dropFirst()
    try check(words.first, among: configuration.subcommands)
    if words.first == "data" {
      try check(words.dropFirst().first, after: "data ", among: Data.configuration.subcommands)
    }
  }

  private static func check(
    _ word: String?, after prefix: String = "", among commands: [any ParsableCommand.Type]
  ) throws {
    let known = commands.map { $0.configuration.commandName ?? "\($0)".lowercased() } + ["help"]
    guard let word, !word.hasPrefix("-"), !known.contains(word) else { return }
    let hint = nearest(to: word, among: known).map { "; did you mean '\(prefix)\($0)'?" } ?? ""
    throw ValidationError("there is no command '\(prefix)\(word)'\(hint)")
  }
}
