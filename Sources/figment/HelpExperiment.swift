import ArgumentParser
import Datasets
import Experiments
import Training

/// `figment help experiment`: a manual page, not a command to run.
struct HelpExperiment: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "figment help experiment",
    abstract: "Show every key of an experiment file: allowed values, default and meaning.")

  @Argument(
    help: ArgumentHelp(
      "Key such as model.latent, mapping such as optimizer, or model kind such as wgan; all by default.",
      valueName: "key"))
  var keys: [String] = []

  @Flag(help: "Print the page docs/experiments.md.")
  var markdown = false

  @Flag(help: "Print the JSON Schema for editors.")
  var jsonSchema = false

  mutating func validate() throws {
    guard [markdown, jsonSchema, !keys.isEmpty].count(where: { $0 }) <= 1 else {
      throw ValidationError("expected only one of keys, --markdown and --json-schema")
    }
    for key in keys where ExperimentPage.listing(of: key) == nil {
      let near = ExperimentPage.suggestion(for: key).map { "; did you mean '\($0)'?" }
      throw ValidationError(
        "'\(key)': no such key" + (near ?? "; figment help experiment lists all"))
    }
  }

  func run() throws {
    if markdown {
      print(ExperimentPage.markdown, terminator: "")
    } else if jsonSchema {
      print(ExperimentPage.jsonSchema, terminator: "")
    } else if keys.isEmpty {
      print(ExperimentPage.listing, terminator: "")
    } else {
      print(keys.compactMap(ExperimentPage.listing(of:)).joined(separator: "\n"), terminator: "")
    }
  }
}
