import ArgumentParser
import Datasets
import Glibc
import Support
import Training

/// The command line: parses arguments, calls the library, prints results.
@main
struct Figment: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "figment",
    abstract: "A playground for generative models on an ordinary CPU.",
    discussion: "'figment help experiment' lists every key of an experiment file.",
    version: figmentVersion,
    subcommands: [
      Train.self, Sample.self, Interpolate.self, Inpaint.self, Field.self, Evaluate.self,
      Likelihoods.self, Compare.self, Reproduce.self, Data.self, Info.self, Plan.self, Bench.self,
    ])

  /// Parses and runs as the argument parser would, except that a failure other than a usage error
  /// prints one line and exits with code 1.
  static func main() {
    openStandardDescriptors()
    ignoreFileSizeSignal()
    ignorePipeSignal()
    do {
      let words = try checkedWords()
      // The argument parser provides help for commands only.
      let isManual = words.starts(with: ["help", "experiment"])
      var command =
        try isManual
        ? HelpExperiment.parseAsRoot(Array(words.dropFirst(2))) : parseAsRoot(words)
      try command.run()
    } catch let error where error is any OneLineError {
      Console().print("error: \(error)")
      Self.exit(withError: ExitCode(1))
    } catch {
      end(error)
    }
  }

  /// Prints the argument parser's text for an error and exits; help and version go to standard
  /// output.
  private static func end(_ error: any Error) -> Never {
    let (code, message) = (exitCode(for: error), fullMessage(for: error))
    if code == .success {
      if !message.isEmpty { print(message) }
    } else if !message.isEmpty {
      // One spelling for all errors, and no control characters that move the cursor.
      let text = message.hasPrefix("Error: ") ? "error: " + message.dropFirst(7) : message
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      let console = Console()
      for line in lines { console.print(String(line)) }
    }
    exit(withError: code)
  }

  /// Words of the command line, checked for two mistakes that the argument parser misreports: an
  /// unknown command (as an unexpected argument) and a negative number (as an option).
  private static func checkedWords() throws -> [String] {
    for index in 1..<max(1, Int(CommandLine.argc)) {
      guard let word = CommandLine.unsafeArgv[index], String(validatingCString: word) == nil else {
        continue
      }
      // The argument parser replaces invalid UTF-8, so the file would not be found.
      let bytes = UnsafeBufferPointer(start: word, count: strlen(word)).map(UInt8.init(bitPattern:))
      throw ValidationError(
        "the argument \(shown(name: bytes)) is not valid UTF-8; rename the file, or pass the folder that holds it"
      )
    }
    let words = Array(CommandLine.arguments.dropFirst())
    try check(words.first, among: configuration.subcommands)
    if words.first == "data" {
      try check(words.dropFirst().first, after: "data ", among: Data.configuration.subcommands)
    }
    return words.reduce(into: []) { joined, word in
      let isNumber =
        word.hasPrefix("-") && (word.dropFirst().first.map { $0.isNumber || $0 == "." } ?? false)
      if isNumber, let last = joined.last, last.hasPrefix("--"), last != "--", !last.contains("=") {
        joined[joined.count - 1] = last + "=" + word
      } else {
        joined.append(word)
      }
    }
  }

  private static func check(
    _ word: String?, after prefix: String = "", among commands: [any ParsableCommand.Type]
  ) throws {
    let known = commands.map { $0.configuration.commandName ?? "\($0)".lowercased() } + ["help"]
    guard let word, !word.hasPrefix("-"), !known.contains(word) else { return }
    let hint = nearest(to: word, among: known).map { "; did you mean '\(prefix)\($0)'?" } ?? ""
    throw ValidationError("'\(prefix)\(word)': no such command\(hint)")
  }
}
