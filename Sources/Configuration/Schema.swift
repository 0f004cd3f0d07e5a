/// The keys of a mapping: how its settings are read, written and documented.
///
/// Declared next to the settings it describes, as the only place that describes their keys: the
/// strict reader, the writer, hints in errors, documentation, listings and the editors' JSON Schema
/// derive from it.
///
/// ```swift
/// struct Settings {
///   enum Kind: String, CaseIterable { case sgd, adam }
///   var kind = Kind.adam
///   var rate = 1e-3
///   var momentum = 0.9
///
///   static let kind = Schema<Settings>.Choice("kind", \.kind)
///   static let schema = Schema<Settings>([
///     .choice(kind, "Rule that turns gradients into updates."),
///     .number("rate", \.rate, in: 0.0.nextUp...10, "The learning rate."),
///     .number("momentum", \.momentum, in: 0...1, "Fraction of the last step that is
///     added.").when(kind.is(.sgd)),
///   ])
/// }
/// ```
///
/// The default of a key is the value in the initial settings unless the key has its own.
package struct Schema<Settings: Sendable>: Sendable {
  /// Reads the keys of a mapping into settings that hold the defaults.
  ///
  /// Throws the reader's `FigmentError`, and one if a rule is broken.
  package let read: @Sendable (inout ConfigurationReader, inout Settings) throws -> Void
  /// The settings as keys and values: the keys that exist, in the order of the schema.
  package let members: @Sendable (Settings) -> [ConfigurationValue.Member]
  /// The description of the mapping, with the given settings as defaults.
  package let description: @Sendable (Settings) -> MappingDescription

  /// Creates a schema from keys in reading order, which is also the writing order unless a key
  /// changes it.
  package init(_ keys: [Key]) {
    var written = keys.filter { $0.writtenAfter == nil }
    for key in keys.reversed() where key.writtenAfter != nil {
      let place = written.firstIndex { $0.name == key.writtenAfter }
      written.insert(key, at: place.map { $0 + 1 } ?? written.endIndex)
    }
    let ordered = written
    read = { reader, settings in
      for key in keys { try key.read(&reader, into: &settings) }
    }
    members = { settings in ordered.compactMap { $0.member(of: settings) } }
    description = { settings in
      MappingDescription(keys: ordered.map { $0.description(settings) })
    }
  }

  /// Creates a schema for settings of one of several kinds, selected by the first key.
  ///
  /// - Parameter aliases: Other names of that key.
  package init(choosing name: String, among kinds: [Kind], aliases: [String] = [], _ help: String) {
    read = { reader, settings in
      let word = try reader.string(name, oneOf: kinds.map(\.word))
      if let kind = kinds.first(where: { $0.word == word }) { settings = try kind.read(&reader) }
    }
    members = { settings in
      for kind in kinds {
        guard let members = kind.members(settings) else { continue }
        return [.init(name, .string(kind.word))] + members
      }
      return []
    }
    description = { _ in
      MappingDescription(
        keys: [
          KeyDescription(
            name: name, help: help, form: .word(kinds.map(\.word)), standard: .required,
            aliases: aliases)
        ],
        kinds: kinds.map { .init(word: $0.word, help: $0.help, mapping: $0.description) })
    }
  }

  /// One of the kinds of settings.
  package struct Kind: Sendable {
    /// The word that selects the kind in an experiment.
    package let word: String
    /// A one-line description.
    package let help: String
    /// Settings of this kind that hold the defaults.
    package let initial: Settings
    fileprivate let description: MappingDescription
    fileprivate let read: @Sendable (inout ConfigurationReader) throws -> Settings
    fileprivate let members: @Sendable (Settings) -> [ConfigurationValue.Member]?

    /// Creates a kind with settings of its own.
    ///
    /// - Parameters:
    ///   - initial: Settings that hold the defaults.
    ///   - whole: Wraps the settings of this kind in the common type.
    ///   - part: Unwraps them, or returns nil for another kind.
    package init<Part>(
      _ word: String, _ initial: Part, _ schema: Schema<Part>, _ help: String,
      whole: @escaping @Sendable (Part) -> Settings,
      part: @escaping @Sendable (Settings) -> Part?
    ) {
      (self.word, self.help, self.initial) = (word, help, whole(initial))
      description = schema.description(initial)
      read = { reader in
        var settings = initial
        try schema.read(&reader, &settings)
        return whole(settings)
      }
      members = { part($0).map(schema.members) }
    }
  }
}
