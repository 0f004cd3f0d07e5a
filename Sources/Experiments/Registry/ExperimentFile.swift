import Configuration

extension Experiment {
  /// Reads an experiment file and applies overrides such as `model.base=64`.
  ///
  /// - Throws: `FigmentError` with the file, the key, the value and the expected values.
  package init(contentsOf path: String, overrides: [String] = []) throws {
    try self.init(try ConfigurationTree(contentsOf: path), overrides: overrides)
  }

  /// Reads an experiment from text and applies overrides; errors name it `file`.
  ///
  /// - Throws: `FigmentError`, as `init(contentsOf:overrides:)`.
  package init(yaml: String, file: String, overrides: [String] = []) throws {
    try self.init(try ConfigurationTree(yaml: yaml, file: file), overrides: overrides)
  }

  package init(_ tree: ConfigurationTree, overrides: [String] = []) throws {
    var tree = tree
    for override in overrides { try tree.override(override) }
    self = try tree.decode(hints: Self.hints) { reader in
      var experiment = Experiment.initial
      try Self.schema.read(&reader, &experiment)
      return experiment
    }
  }

  /// The resolved experiment as YAML; equal experiments give equal text.
  package var yaml: String { Self.schema.members(self).yaml }
}
