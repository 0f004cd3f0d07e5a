import ArgumentParser
import Datasets
import Experiments
import Training

/// `figment help experiment`, which is a page of the manual rather than a command to run.
struct HelpExperiment: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "figment help experiment",
    abstract: "Every key of an experiment file: what it may hold, its default, and what it is.")

  @Argument(
    help: ArgumentHelp(
      "A key such as model.latent, a mapping such as optimizer, or a kind of model such as wgan; all by default.",
      valueName: "key"))
  var keys: [String] = []

  @Flag(help: "Prints the page docs/experiments.md.")
  var markdown = false

  @Flag(help: "Prints the JSON Schema for editors.")
  var jsonSchema = false

  mutating func validate() throws {
    guard [markdown, jsonSchema, !keys.isEmpty].count(where: { $0 }) <= 1 else {
      throw ValidationError("expected keys, --markdown or --json-schema, one of the three")
    }
    for key in keys where ExperimentPage.listing(of: key) == nil {
      let near = ExperimentPage.suggestion(for: key).map { "; did you mean '\($0)'?" }
      throw ValidationError(
        "there is no key '\(key)'" + (near ?? "; figment help experiment lists all"))
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
