import Support

extension Schema {
  /// That a choice among words has been made, which the settings or their neighbours decide.
  package struct Condition: Sendable {
    /// The condition without types.
    package let clause: Clause
    /// Whether it holds.
    package let holds: @Sendable (Settings) -> Bool

    package init(_ clause: Clause, _ holds: @escaping @Sendable (Settings) -> Bool) {
      (self.clause, self.holds) = (clause, holds)
    }
  }

  /// A key with a few words, on which others depend.
  package struct Choice<Word: SettingWord>: Sendable {
    fileprivate let name: String
    fileprivate let path: WritableKeyPath<Settings, Word> & Sendable

    package init(_ name: String, _ path: WritableKeyPath<Settings, Word> & Sendable) {
      (self.name, self.path) = (name, path)
    }

    /// Where one of these words is chosen.
    package func `is`(_ words: Word...) -> Condition {
      Condition(Clause(name, words.map(\.rawValue))) { [path] in words.contains($0[keyPath: path]) }
    }
  }

  /// A number that a key is at most, which another mapping says.
  package struct Limit: Sendable {
    /// The path of its key from the root.
    package let name: String
    private let value: @Sendable (Settings) -> Int?

    package init(_ name: String, _ value: @escaping @Sendable (Settings) -> Int?) {
      (self.name, self.value) = (name, value)
    }

    fileprivate func applied(
      to range: ClosedRange<Int>, _ settings: Settings
    ) -> ClosedRange<Int> {
      guard let value = value(settings), range.contains(value) else { return range }
      return range.lowerBound...value
    }
  }

  /// What a key is where a file lacks it.
  package enum Default<Value: Sendable>: Sendable {
    /// An error.
    case required
    /// What the settings hold.
    case initial
    /// This.
    case value(Value)
    /// The one where a condition holds, else the other.
    case either(Value, Condition, otherwise: Value)
    /// What depends on more than its mapping, and how, in words.
    case computed(String, @Sendable (Settings) -> Value)
  }
}

/// The words that a key may have.
package typealias SettingWord = RawRepresentable<String> & CaseIterable & Equatable & Sendable

extension Schema {
  /// One key: what it is called, what it may be, and where in the settings it is kept.
  package struct Key: Sendable {
    /// The key.
    package let name: String
    private(set) var writtenAfter: String?
    private let help: String
    private let form: @Sendable (Settings) -> Form
    private var exception: KeyDescription.Exception?
    private var isOptional = false
    private let standard: @Sendable (Settings) -> KeyDescription.Standard
    private var condition: Condition?
    private var nullReason: String?
    private var aliases: [String] = []
    private var isWritten: (@Sendable (Settings) -> Bool)?
    private var rules: [@Sendable (ConfigurationReader, inout Settings) throws -> Void] = []
    private let decode: @Sendable (inout ConfigurationReader, inout Settings) throws -> Void
    private let encode: @Sendable (Settings) -> ConfigurationValue?

    /// Whether the key exists where a condition holds only; elsewhere it is an unknown one.
    package func when(_ condition: Condition) -> Key { changed { $0.condition = condition } }

    /// As `when`, but elsewhere the key may be there as `null`, so that an override of the other key
    /// leaves it alone.
    ///
    /// - Parameter reason: What else there is then, as an error says it, such as "a gaussian posterior".
    package func when(_ condition: Condition, elseNullWith reason: String) -> Key {
      changed { ($0.condition, $0.nullReason) = (condition, reason) }
    }

    /// What others call it; capitals, "_" and "-" make no difference.
    package func known(as aliases: String...) -> Key { changed { $0.aliases = aliases } }

    /// Where it is written, if not where it is read.
    package func written(after key: String) -> Key { changed { $0.writtenAfter = key } }

    /// When it is written, if not always.
    package func written(when isWritten: @escaping @Sendable (Settings) -> Bool) -> Key {
      changed { $0.isWritten = isWritten }
    }

    /// A rule that is checked as soon as the key is read.
    ///
    /// - Parameters:
    ///   - path: Of the key to blame, in the same mapping, or in one below it.
    ///   - check: Throws the error that its second argument makes of what is wrong.
    package func rule(
      _ path: String,
      _ check: @escaping @Sendable (inout Settings, (String) -> FigmentError) throws -> Void
    ) -> Key {
      changed {
        $0.rules.append { reader, settings in try check(&settings) { reader.error(path, $0) } }
      }
    }

    private func changed(_ change: (inout Key) -> Void) -> Key {
      var key = self
      change(&key)
      return key
    }

    func read(_ reader: inout ConfigurationReader, into settings: inout Settings) throws {
      if let condition, !condition.holds(settings) {
        guard let nullReason else { return }
        var unused = settings
        try decode(&reader, &unused)
        if let found = reader.found(name) {
          throw reader.error(name, "expected null with \(nullReason), found \(found)")
        }
        return
      }
      try decode(&reader, &settings)
      for rule in rules { try rule(reader, &settings) }
    }

    func member(of settings: Settings) -> ConfigurationValue.Member? {
      guard condition?.holds(settings) ?? true, isWritten?(settings) ?? true else { return nil }
      return encode(settings).map { .init(name, $0) }
    }

    func description(_ settings: Settings) -> KeyDescription {
      KeyDescription(
        name: name, help: help, form: form(settings), exception: exception, isOptional: isOptional,
        standard: standard(settings), clauses: condition.map { [$0.clause] } ?? [],
        isNullOtherwise: nullReason != nil, aliases: aliases)
    }
  }
}

extension Schema.Key {
  /// A key of any type.
  ///
  /// - Parameter decode: Reads the key, given its default unless it is required.
  private init<Value: Sendable>(
    _ name: String, _ path: WritableKeyPath<Settings, Value> & Sendable,
    _ standard: Schema.Default<Value>, _ form: Form, _ help: String,
    encode: @escaping @Sendable (Value) -> ConfigurationValue,
    decode: @escaping @Sendable (inout ConfigurationReader, Value?, Settings) throws -> Value
  ) {
    (self.name, self.help) = (name, help)
    self.form = { _ in form }
    self.standard = { settings in
      switch standard {
      case .required: .required
      case .initial: .value(encode(settings[keyPath: path]))
      case .value(let value): .value(encode(value))
      case .either(let value, let condition, let other):
        .either(encode(value), condition.clause, otherwise: encode(other))
      case .computed(let words, _): .words(words)
      }
    }
    self.decode = { reader, settings in
      let value: Value? =
        switch standard {
        case .required: nil
        case .initial: settings[keyPath: path]
        case .value(let value): value
        case .either(let value, let condition, let other):
          condition.holds(settings) ? value : other
        case .computed(_, let value): value(settings)
        }
      settings[keyPath: path] = try decode(&reader, value, settings)
    }
    self.encode = { encode($0[keyPath: path]) }
  }

  /// A whole number.
  ///
  /// - Parameter limit: What it is at most, beside the range.
  package static func int(
    _ name: String, _ path: WritableKeyPath<Settings, Int> & Sendable,
    default standard: Schema.Default<Int> = .initial, in range: ClosedRange<Int>,
    upTo limit: Schema.Limit? = nil, multipleOf factor: Int = 1, _ help: String
  ) -> Self {
    Self(
      name, path, standard, .integer(range, multipleOf: factor, limit: limit?.name), help,
      encode: ConfigurationValue.integer
    ) { reader, standard, settings in
      let value = try reader.int(
        name, default: standard, in: limit?.applied(to: range, settings) ?? range)
      guard value.isMultiple(of: factor) else {
        let expected = factor == 2 ? "an even number" : "a multiple of \(factor)"
        throw reader.error(name, "expected \(expected), found \(value)")
      }
      return value
    }
  }

  /// A whole number or `null`.
  ///
  /// - Parameter limit: What it is at most, beside the range.
  package static func optionalInt(
    _ name: String, _ path: WritableKeyPath<Settings, Int?> & Sendable,
    default standard: Schema.Default<Int?> = .initial, in range: ClosedRange<Int>,
    upTo limit: Schema.Limit? = nil, _ help: String
  ) -> Self {
    let key = Self(
      name, path, standard, .integer(range, limit: limit?.name), help,
      encode: ConfigurationValue.optional
    ) { reader, standard, settings in
      let value = try reader.optionalInt(
        name, in: limit?.applied(to: range, settings) ?? range)
      return reader.has(name) ? value : standard ?? nil
    }
    return key.changed { $0.isOptional = true }
  }

  /// A whole number from 0 to 2^64 - 1, such as a seed.
  package static func unsigned(
    _ name: String, _ path: WritableKeyPath<Settings, UInt64> & Sendable,
    default standard: Schema.Default<UInt64> = .initial, _ help: String
  ) -> Self {
    Self(name, path, standard, .unsigned, help, encode: ConfigurationValue.unsigned) {
      reader, standard, _ in try reader.unsigned(name, default: standard)
    }
  }

  /// A finite number.
  package static func number(
    _ name: String, _ path: WritableKeyPath<Settings, Double> & Sendable,
    default standard: Schema.Default<Double> = .initial, in range: ClosedRange<Double>,
    _ help: String
  ) -> Self {
    Self(name, path, standard, .number(range), help, encode: ConfigurationValue.number) {
      reader, standard, _ in try reader.double(name, default: standard, in: range)
    }
  }

  /// A finite number or `null`.
  package static func optionalNumber(
    _ name: String, _ path: WritableKeyPath<Settings, Double?> & Sendable,
    default standard: Schema.Default<Double?> = .initial, in range: ClosedRange<Double>,
    _ help: String
  ) -> Self {
    let key = Self(
      name, path, standard, .number(range), help, encode: ConfigurationValue.optional
    ) { reader, standard, _ in
      let value = try reader.optionalDouble(name, in: range)
      return reader.has(name) ? value : standard ?? nil
    }
    return key.changed { $0.isOptional = true }
  }

  /// `true` or `false`.
  package static func bool(
    _ name: String, _ path: WritableKeyPath<Settings, Bool> & Sendable,
    default standard: Schema.Default<Bool> = .initial, _ help: String
  ) -> Self {
    Self(name, path, standard, .bool, help, encode: ConfigurationValue.bool) {
      reader, standard, _ in try reader.bool(name, default: standard)
    }
  }

  /// One of a few words.
  ///
  /// - Parameter refused: Words that people try and that are not offered, with the reason.
  package static func word<Word: SettingWord>(
    _ name: String, _ path: WritableKeyPath<Settings, Word> & Sendable,
    default standard: Schema.Default<Word> = .initial, refused: [String: String] = [:],
    _ help: String
  ) -> Self {
    let words = Word.allCases.map(\.rawValue)
    return Self(
      name, path, standard, .word(words), help, encode: { .string($0.rawValue) }
    ) { reader, standard, settings in
      let word = try reader.string(
        name, default: standard?.rawValue, oneOf: words, refused: refused)
      return Word(rawValue: word) ?? settings[keyPath: path]
    }
  }

  /// One of a few words, on which other keys depend.
  package static func choice<Word: SettingWord>(
    _ choice: Schema.Choice<Word>, default standard: Schema.Default<Word> = .initial, _ help: String
  ) -> Self {
    word(choice.name, choice.path, default: standard, help)
  }

  /// A string.
  ///
  /// - Parameters:
  ///   - what: What it is, in words.
  ///   - known: Some that an editor may offer.
  ///   - pattern: A regular expression of all others.
  package static func text(
    _ name: String, _ path: WritableKeyPath<Settings, String> & Sendable,
    default standard: Schema.Default<String> = .initial, what: String, known: [String] = [],
    pattern: String? = nil, _ help: String
  ) -> Self {
    Self(
      name, path, standard, .text(what, known: known, pattern: pattern), help,
      encode: ConfigurationValue.string
    ) { reader, standard, _ in try reader.string(name, default: standard) }
  }

  /// A name that can be a folder's.
  package static func name(
    _ name: String, _ path: WritableKeyPath<Settings, String> & Sendable,
    default standard: Schema.Default<String> = .initial, _ help: String
  ) -> Self {
    Self(
      name, path, standard,
      .text(
        ConfigurationReader.nameForm, known: [], pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"),
      help, encode: ConfigurationValue.string
    ) { reader, standard, _ in try reader.name(name, default: standard) }
  }

  /// A list of whole numbers.
  ///
  /// - Parameter other: Another range, where a condition holds.
  package static func ints(
    _ name: String, _ path: WritableKeyPath<Settings, [Int]> & Sendable,
    default standard: Schema.Default<[Int]> = .initial, in range: ClosedRange<Int>,
    or other: (Schema.Condition, ClosedRange<Int>)? = nil, count: ClosedRange<Int>, _ help: String
  ) -> Self {
    let key = Self(
      name, path, standard, .integers(range, count: count), help,
      encode: { ConfigurationValue.list($0) }
    ) { reader, standard, settings in
      let chosen = other.flatMap { $0.0.holds(settings) ? $0.1 : nil } ?? range
      return try reader.intArray(name, default: standard, in: chosen, count: count)
    }
    return key.changed {
      $0.exception = other.map {
        .init(clause: $0.0.clause, form: .integers($0.1, count: count))
      }
    }
  }

  /// Keys and values of their own; where they are missing, those of an empty mapping.
  ///
  /// - Parameter initial: The settings that hold their defaults, where these depend on those before.
  package static func mapping<Part: Sendable>(
    _ name: String, _ path: WritableKeyPath<Settings, Part> & Sendable, _ schema: Schema<Part>,
    from initial: (@Sendable (Settings) -> Part)? = nil, _ help: String
  ) -> Self {
    Self(name, help) {
      .mapping(schema.description($0[keyPath: path]))
    } decode: {
      reader, settings in
      let first = initial?(settings) ?? settings[keyPath: path]
      settings[keyPath: path] = try reader.nested(name) { inner in
        var part = first
        try schema.read(&inner, &part)
        return part
      }
    } encode: {
      .mapping(schema.members($0[keyPath: path]))
    }
  }

  /// As `mapping`, or nothing where it is missing or `null`; it is written where there is one.
  ///
  /// - Parameter initial: The part that holds its defaults.
  package static func optionalMapping<Part: Sendable>(
    _ name: String, _ path: WritableKeyPath<Settings, Part?> & Sendable, _ schema: Schema<Part>,
    from initial: Part, _ help: String
  ) -> Self {
    let key = Self(name, help) { _ in
      .mapping(schema.description(initial))
    } decode: {
      reader, settings in
      settings[keyPath: path] = try reader.optionalNested(name) { inner in
        var part = initial
        try schema.read(&inner, &part)
        return part
      }
    } encode: {
      $0[keyPath: path].map { .mapping(schema.members($0)) }
    }
    return key.changed { $0.isOptional = true }
  }

  private init(
    _ name: String, _ help: String, form: @escaping @Sendable (Settings) -> Form,
    decode: @escaping @Sendable (inout ConfigurationReader, inout Settings) throws -> Void,
    encode: @escaping @Sendable (Settings) -> ConfigurationValue?
  ) {
    (self.name, self.help, self.form) = (name, help, form)
    (self.decode, self.encode) = (decode, encode)
    standard = { settings in
      encode(settings).map { _ in .words("its own defaults") } ?? .value(.null)
    }
  }
}
