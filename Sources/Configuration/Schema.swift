/// The keys of a mapping, and how its settings are read from a file and written to one.
///
/// It stands beside the settings that it is of, and is all that is said of their keys: the strict reader,
/// the writer, the hints of errors, the page, the listing and the schema of editors are made from it.
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
///     .choice(kind, "What turns gradients into steps."),
///     .number("rate", \.rate, in: 0.0.nextUp...10, "The learning rate."),
///     .number("momentum", \.momentum, in: 0...1, "The share of the last step.").when(kind.is(.sgd)),
///   ])
/// }
/// ```
///
/// The default of a key is what the settings hold before they are read, unless the key says otherwise.
package struct Schema<Settings: Sendable>: Sendable {
  /// Reads the keys of a mapping into settings that hold the defaults.
  ///
  /// Throws `FigmentError`, as the reader does, and where a rule is broken.
  package let read: @Sendable (inout ConfigurationReader, inout Settings) throws -> Void
  /// The settings as keys and values: those that exist, in the order of the schema.
  package let members: @Sendable (Settings) -> [ConfigurationValue.Member]
  /// What the mapping may hold, where settings that are not read yet are these.
  package let description: @Sendable (Settings) -> MappingDescription

  /// A schema of keys, in the order in which they are read, and written unless one says otherwise.
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

  /// A schema of settings that are of one of several kinds, which a first key tells apart.
  ///
  /// - Parameter aliases: What others call that key.
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

  /// One of the kinds that settings can be of.
  package struct Kind: Sendable {
    /// What an experiment calls it.
    package let word: String
    /// One line: what it is.
    package let help: String
    /// Settings of this kind that hold the defaults.
    package let initial: Settings
    fileprivate let description: MappingDescription
    fileprivate let read: @Sendable (inout ConfigurationReader) throws -> Settings
    fileprivate let members: @Sendable (Settings) -> [ConfigurationValue.Member]?

    /// A kind with settings of its own.
    ///
    /// - Parameters:
    ///   - initial: Those that hold the defaults.
    ///   - whole: Puts them in their place.
    ///   - part: Takes them out, where the whole is of this kind.
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
