import Datasets
import Support

/// Reference of the keys of an experiment file: for the terminal, as the page docs/experiments.md,
/// and as a JSON Schema for editors.
package enum ExperimentPage {
  /// Listing of every key as text.
  package static var listing: String { Experiment.description.listing }

  /// Listing of the keys matching a word, or nil if there are none; see
  /// `MappingDescription.listing(of:)`.
  package static func listing(of word: String) -> String? {
    Experiment.description.listing(of: word)
  }

  /// The known word nearest to the given one.
  package static func suggestion(for word: String) -> String? {
    nearest(to: word, among: Experiment.description.subjects)
  }

  /// The page docs/experiments.md.
  package static var markdown: String {
    introduction + Experiment.description.markdown(title: "The file")
  }

  /// Contents of Experiments/experiment.schema.json.
  package static var jsonSchema: String {
    Experiment.description.jsonSchema(title: "An experiment of Figment").json
  }

  private static let introduction = """
    # Experiment files: every key

    An experiment file holds everything that determines the numbers of a run; `Experiments/ddpm-toy.yaml` is a complete one. It is
    YAML without anchors, aliases and tags. A missing key has its default. An unknown key is an error that names the nearest known
    one, and so is a value out of range; errors give the line of the file and appear before anything is computed.

    ```sh
    figment train FILE.yaml --dry-run                       # every setting, with defaults filled in
    figment train FILE.yaml --set optimizer.kind=sgd        # another value, without editing the file
    figment help experiment                                 # this page in the terminal
    figment help experiment optimizer.nesterov              # a key, a mapping (optimizer), or a kind of model (wgan)
    ```

    This page is what `figment help experiment --markdown` prints (`make pages` writes it), from the same list by which files
    are read.

    ## In an editor

    `Experiments/experiment.schema.json` (`figment help experiment --json-schema`) tells an editor the keys, their ranges and
    what they are. Editors that use the YAML language server, such as VS Code with its YAML extension, Neovim and Emacs, offer
    and check them where a file begins with this line, the path being relative to the file:

    ```yaml
    # yaml-language-server: $schema=experiment.schema.json
    ```

    Only `figment` itself can check settings against the data, such as whether a network fits them.


    """
}
