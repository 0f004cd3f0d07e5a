import ArgumentParser
import Datasets
import Glibc
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
      try checkArguments()
      try checkCommand()
      var command = try parseAsRoot()
      try command.run()
    } catch let error where error is any OneLineError {
      Console().print("error: \(error)")
      Self.exit(withError: ExitCode(1))
    } catch {
      let code = Self.exitCode(for: error)
      // Help is long and our own; messages repeat what was typed, which may hold anything.
      guard !code.isSuccess, !(error is ExitCode) else { Self.exit(withError: error) }
      let console = Console()
      for line in Self.fullMessage(for: error).split(
        separator: "\n", omittingEmptySubsequences: false)
      {
        console.print(String(line))
      }
      Self.exit(withError: code)
    }
  }

  /// The library would take bytes that are no text for other ones, and not find the file.
  private static func checkArguments() throws {
    let arguments = (1..<max(1, Int(CommandLine.argc))).compactMap { place in
      CommandLine.unsafeArgv[place].map { UnsafeBufferPointer(start: $0, count: strlen($0)) }
    }
    for argument in arguments {
      let bytes = argument.map { UInt8(bitPattern: $0) }
      guard String(validating: bytes, as: UTF8.self) == nil else { continue }
      Console().print(
        "error: the argument \(shown(name: bytes)) is not UTF-8; rename the file, or name the folder that holds it"
      )
      throw ExitCode.validationFailure
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
