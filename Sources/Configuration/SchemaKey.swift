import Support

extension Schema {
  /// One key of a mapping: its name, its form, and the property that stores it.
  package struct Key: Sendable {
    /// The name of the key.
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

    /// Makes the key exist only while a condition holds; otherwise it is an unknown key.
    package func when(_ condition: Condition) -> Key { changed { $0.condition = condition } }

    /// Makes the key exist only while a condition holds, but allows `null` otherwise, so that an
    /// override of the other key need not remove it.
    ///
    /// - Parameter reason: The other case as named in errors, such as "a gaussian posterior".
    package func when(_ condition: Condition, elseNullWith reason: String) -> Key {
      changed { ($0.condition, $0.nullReason) = (condition, reason) }
    }

    /// Adds other names, for hints; capitals, "_" and "-" are ignored.
    package func known(as aliases: String...) -> Key { changed { $0.aliases = aliases } }

    /// Changes the position at which the key is written.
    package func written(after key: String) -> Key { changed { $0.writtenAfter = key } }

    /// Writes the key only if `isWritten` returns true.
    package func written(when isWritten: @escaping @Sendable (Settings) -> Bool) -> Key {
      changed { $0.isWritten = isWritten }
    }

    /// Adds a rule that is checked as soon as the key has been read.
    ///
    /// - Parameters:
    ///   - path: The key named in the error, in the same mapping or in a nested one.
    ///   - check: Checks the settings; throws the error that its second argument creates from a
    ///     problem.
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
  /// Creates a key of any type.
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
  /// - Parameter limit: An upper bound in addition to the range.
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
  /// - Parameter limit: An upper bound in addition to the range.
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
  /// - Parameter refused: Plausible words that are not supported, each with the reason.
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

  /// One of a few words, on which other keys can depend.
  package static func choice<Word: SettingWord>(
    _ choice: Schema.Choice<Word>, default standard: Schema.Default<Word> = .initial, _ help: String
  ) -> Self {
    word(choice.name, choice.path, default: standard, help)
  }

  /// A string.
  ///
  /// - Parameters:
  ///   - what: The expected value in words.
  ///   - known: Values that an editor can suggest.
  ///   - pattern: A regular expression for all other values.
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

  /// A name that is valid for a folder.
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
  /// - Parameter other: A different range that applies while a condition holds.
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

  /// A nested mapping; if it is missing, it is read as an empty one.
  ///
  /// - Parameter initial: The initial settings of the mapping, if they depend on settings read
  ///   before.
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

  /// A nested mapping, or nil if it is missing or `null`; written only if it is not nil.
  ///
  /// - Parameter initial: The initial settings of the mapping.
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
