import Support

/// What a value may be.
package enum Form: Equatable, Sendable {
  /// A whole number; `limit` is the path of a key that it is at most, beside the range.
  case integer(ClosedRange<Int>, multipleOf: Int = 1, limit: String? = nil)
  /// A whole number from 0 to 2^64 - 1.
  case unsigned
  /// A finite number; a bound that is excluded stands as its neighbour, as `0.nextUp...1`.
  case number(ClosedRange<Double>)
  /// `true` or `false`.
  case bool
  /// One of a few words.
  case word([String])
  /// A string: what it is, some that are known, and a regular expression of the others.
  case text(String, known: [String], pattern: String?)
  /// A list of whole numbers.
  case integers(ClosedRange<Int>, count: ClosedRange<Int>)
  /// Keys and values.
  case mapping(MappingDescription)

  /// The form in words, as errors and pages say what was expected.
  package var words: String {
    switch self {
    case .integer(let range, _, let limit?):
      "a whole number from \(range.lowerBound) to \(limit)"
    case .integer(let range, 1, nil): Self.words(range)
    case .integer(let range, let factor, nil):
      "\(Self.words(range)), \(factor == 2 ? "even" : "a multiple of \(factor)")"
    case .unsigned: "a whole number from 0 to \(UInt64.max)"
    case .number(let range): Self.words(range)
    case .bool: "true or false"
    case .word(let words):
      words.count == 1 ? words[0] : "one of \(words.joined(separator: ", "))"
    case .text(let what, _, _): what
    case .integers(let range, let count):
      "a list of \(Self.amount(count)), each \(Self.words(range))"
    case .mapping: "keys and values"
    }
  }

  /// The form in words; of a list, only what each element is.
  var rangeWords: String {
    guard case .integers(let range, _) = self else { return words }
    return "each \(Self.words(range))"
  }

  /// How many elements a list has.
  static func amount(_ count: ClosedRange<Int>) -> String {
    if count.upperBound == .max { return "at least \(count.lowerBound)" }
    return count.lowerBound == count.upperBound
      ? "\(count.lowerBound)" : "\(count.lowerBound) to \(count.upperBound)"
  }

  /// A range of whole numbers.
  package static func words(_ range: ClosedRange<Int>) -> String {
    switch (range.lowerBound, range.upperBound) {
    case (.min, .max): "a whole number"
    case (let low, .max): "a whole number of at least \(low)"
    case (.min, let high): "a whole number of at most \(high)"
    case (let low, let high): "a whole number from \(low) to \(high)"
    }
  }

  /// A range of numbers.
  package static func words(_ range: ClosedRange<Double>) -> String {
    let (low, high) = bounds(range)
    let parts = [
      low.map { ($0.isExcluded ? "above " : "at least ") + decimal($0.value) },
      high.map { ($0.isExcluded ? "below " : "at most ") + decimal($0.value) },
    ].compactMap { $0 }
    return parts.isEmpty ? "a number" : "a number " + parts.joined(separator: " and ")
  }

  /// The bounds of a range, nil where there is none, as they were meant.
  package static func bounds(_ range: ClosedRange<Double>) -> (low: Bound?, high: Bound?) {
    /// An excluded bound is stored as its neighbour, which takes more digits to write.
    func bound(_ value: Double, beyond: Double) -> Bound {
      decimal(beyond).count < decimal(value).count
        ? Bound(value: beyond, isExcluded: true) : Bound(value: value, isExcluded: false)
    }
    let (low, high) = (range.lowerBound, range.upperBound)
    return (
      low > -Double.greatestFiniteMagnitude ? bound(low, beyond: low.nextDown) : nil,
      high < Double.greatestFiniteMagnitude ? bound(high, beyond: high.nextUp) : nil
    )
  }

  /// An end of a range.
  package struct Bound: Equatable, Sendable {
    /// Where it is.
    package let value: Double
    /// Whether it is no part of the range.
    package let isExcluded: Bool
  }
}

/// That a key has one of a few words.
package struct Clause: Equatable, Sendable {
  /// A key of the same mapping, or the path of a key from the root where there is a "." in it.
  package let key: String
  /// The words.
  package let words: [String]
  /// The clause in words, where it is not "key: words".
  private let said: String?

  package init(_ key: String, _ words: [String], said: String? = nil) {
    (self.key, self.words, self.said) = (key, words, said)
  }

  /// The clause in words, such as "kind: adamw, lamb and sgd".
  package var text: String { said ?? "\(key): \(enumerated(words))" }
}

/// One key of a mapping, told without the types of settings: what hints, pages and editors read.
package struct KeyDescription: Equatable, Sendable {
  /// What a key is where a file lacks it.
  package enum Standard: Equatable, Sendable {
    /// An error.
    case required
    /// This.
    case value(ConfigurationValue)
    /// One value where a clause holds, and another where it does not.
    case either(ConfigurationValue, Clause, otherwise: ConfigurationValue)
    /// What these words say, as it depends on more than its own mapping.
    case words(String)
  }

  /// What a key may be where a clause holds.
  package struct Exception: Equatable, Sendable {
    /// The clause.
    package let clause: Clause
    /// What it may be then.
    package let form: Form
  }

  /// The key.
  package let name: String
  /// One line: what it is.
  package let help: String
  /// What it may be.
  package let form: Form
  /// What it may be where a clause holds, if that differs.
  package let exception: Exception?
  /// Whether `null` is a value, too.
  let isOptional: Bool
  /// What it is where a file lacks it.
  package let standard: Standard
  /// When the key exists: all of these hold.
  package let clauses: [Clause]
  /// Whether the key exists as `null` where they do not.
  package let isNullOtherwise: Bool
  /// What others call it.
  package let aliases: [String]

  package init(
    name: String, help: String, form: Form, exception: Exception? = nil,
    isOptional: Bool = false, standard: Standard, clauses: [Clause] = [],
    isNullOtherwise: Bool = false, aliases: [String] = []
  ) {
    (self.name, self.help, self.form, self.exception) = (name, help, form, exception)
    (self.isOptional, self.standard, self.clauses) = (isOptional, standard, clauses)
    (self.isNullOtherwise, self.aliases) = (isNullOtherwise, aliases)
  }

  /// Whether a file must have the key, wherever it exists.
  var isRequired: Bool {
    if case .mapping(let mapping) = form, !isOptional {
      return mapping.keys.contains { $0.isRequired && $0.clauses.isEmpty }
    }
    return standard == .required
  }
}

/// A mapping: its keys, in the order in which they are written.
package struct MappingDescription: Equatable, Sendable {
  /// One of the kinds of a mapping, and the keys that only it has.
  package struct Kind: Equatable, Sendable {
    /// What the first key of the mapping says.
    package let word: String
    /// One line: what it is.
    package let help: String
    /// Its keys.
    package let mapping: MappingDescription
  }

  /// The keys; of a mapping of several kinds the one key that tells them apart.
  package let keys: [KeyDescription]
  /// The kinds, if there are several.
  package let kinds: [Kind]

  package init(keys: [KeyDescription], kinds: [Kind] = []) {
    (self.keys, self.kinds) = (keys, kinds)
  }

  /// A key where it stands.
  package struct Place: Equatable, Sendable {
    /// The path of its mapping; empty at the root.
    package let mapping: String
    /// The key.
    package let key: KeyDescription
    /// When it exists: of which kind its mapping is, and its own clauses.
    package let clauses: [Clause]

    /// The path of the key.
    package var path: String { mapping.isEmpty ? key.name : mapping + "." + key.name }
  }

  /// Every key of the mapping and of those in it, each mapping's before those of the mappings in it.
  package var places: [Place] {
    var places: [Place] = []
    var level = [(path: "", mapping: self, clauses: [Clause]())]
    while !level.isEmpty {
      var next: [(path: String, mapping: MappingDescription, clauses: [Clause])] = []
      for (path, mapping, clauses) in level {
        for (key, kind) in mapping.keysByKind {
          let place = Place(mapping: path, key: key, clauses: clauses + kind + key.clauses)
          places.append(place)
          if case .mapping(let inner) = key.form { next.append((place.path, inner, [])) }
        }
      }
      level = next
    }
    return places
  }

  /// The keys, each with the clause of its kind, if it is of one.
  private var keysByKind: [(key: KeyDescription, kind: [Clause])] {
    keys.map { ($0, []) }
      + kinds.flatMap { kind in
        kind.mapping.keys.map { ($0, [Clause(keys.first?.name ?? "", [kind.word])]) }
      }
  }
}

/// Words in a row: "a", "a and b", "a, b and c".
package func enumerated(_ words: [String]) -> String {
  guard let last = words.last, words.count > 1 else { return words.first ?? "" }
  return words.dropLast().joined(separator: ", ") + " and " + last
}
