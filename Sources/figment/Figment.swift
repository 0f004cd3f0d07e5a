import ArgumentParser
import Training

/// The command line: parses, calls `Training`, prints.
@main
struct Figment: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "figment",
    abstract: "A playground for generative models on an ordinary CPU.",
    version: figmentVersion,
    subcommands: [
      Train.self, Sample.self, Evaluate.self, Data.self, Info.self, Plan.self, Bench.self,
    ])

  /// As the library's own, but failures that are no mistake of usage print one line and exit 1.
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
