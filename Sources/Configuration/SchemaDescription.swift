import Support

/// The form of a value.
package enum Form: Equatable, Sendable {
  /// A whole number; `limit` is the path of a key whose value is an upper bound in addition to the
  /// range.
  case integer(ClosedRange<Int>, multipleOf: Int = 1, limit: String? = nil)
  /// A whole number from 0 to 2^64 - 1.
  case unsigned
  /// A finite number; an excluded bound is given by the adjacent number, as in `0.nextUp...1`.
  case number(ClosedRange<Double>)
  /// `true` or `false`.
  case bool
  /// One of a few words.
  case word([String])
  /// A string: its description, known values, and a regular expression for others.
  case text(String, known: [String], pattern: String?)
  /// A list of whole numbers.
  case integers(ClosedRange<Int>, count: ClosedRange<Int>)
  /// Keys and values.
  case mapping(MappingDescription)

  /// The form in words, as errors and documentation describe the expected value.
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

  /// The form in words; for a list, that of each element.
  var rangeWords: String {
    guard case .integers(let range, _) = self else { return words }
    return "each \(Self.words(range))"
  }

  /// The number of elements of a list, in words.
  static func amount(_ count: ClosedRange<Int>) -> String {
    if count.upperBound == .max { return "at least \(count.lowerBound)" }
    return count.lowerBound == count.upperBound
      ? "\(count.lowerBound)" : "\(count.lowerBound) to \(count.upperBound)"
  }

  /// A range of whole numbers, in words.
  package static func words(_ range: ClosedRange<Int>) -> String {
    switch (range.lowerBound, range.upperBound) {
    case (.min, .max): "a whole number"
    case (let low, .max): "a whole number of at least \(low)"
    case (.min, let high): "a whole number of at most \(high)"
    case (let low, let high): "a whole number from \(low) to \(high)"
    }
  }

  /// A range of numbers, in words.
  package static func words(_ range: ClosedRange<Double>) -> String {
    let (low, high) = bounds(range)
    let parts = [
      low.map { ($0.isExcluded ? "above " : "at least ") + decimal($0.value) },
      high.map { ($0.isExcluded ? "below " : "at most ") + decimal($0.value) },
    ].compactMap { $0 }
    return parts.isEmpty ? "a number" : "a number " + parts.joined(separator: " and ")
  }

  /// The bounds of a range as they were meant; nil where the range is unbounded.
  package static func bounds(_ range: ClosedRange<Double>) -> (low: Bound?, high: Bound?) {
    /// The bound for an end of the range; an excluded bound is stored as the adjacent number, which
    /// has more digits.
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

  /// A bound of a range.
  package struct Bound: Equatable, Sendable {
    /// The value at the bound.
    package let value: Double
    /// True if the range does not include the value.
    package let isExcluded: Bool
  }
}

/// A condition that a key has one of a few words.
package struct Clause: Equatable, Sendable {
  /// A key of the same mapping, or, if it contains a ".", the path of a key from the root.
  package let key: String
  /// The words that satisfy the clause.
  package let words: [String]
  /// Overrides the text "key: words".
  private let wording: String?

  package init(_ key: String, _ words: [String], wording: String? = nil) {
    (self.key, self.words, self.wording) = (key, words, wording)
  }

  /// The clause in words, such as "kind: adamw, lamb and sgd".
  package var text: String { wording ?? "\(key): \(enumerated(words))" }
}

/// A key of a mapping without the settings' types, for hints, documentation and editors.
package struct KeyDescription: Equatable, Sendable {
  /// The value of a key that a file lacks.
  package enum Standard: Equatable, Sendable {
    /// No default; the missing key is an error.
    case required
    /// A constant default.
    case value(ConfigurationValue)
    /// One value if a clause holds, otherwise another.
    case either(ConfigurationValue, Clause, otherwise: ConfigurationValue)
    /// A default that depends on more than its own mapping, described in words.
    case words(String)
  }

  /// The form of a key's value while a clause holds.
  package struct Exception: Equatable, Sendable {
    /// The condition.
    package let clause: Clause
    /// The form while it holds.
    package let form: Form
  }

  /// The name of the key.
  package let name: String
  /// A one-line description.
  package let help: String
  /// The form of its value.
  package let form: Form
  /// A different form that applies while a clause holds.
  package let exception: Exception?
  /// True if `null` is also a valid value.
  let isOptional: Bool
  /// The value of the key in a file that lacks it.
  package let standard: Standard
  /// Conditions under which the key exists; all must hold.
  package let clauses: [Clause]
  /// True if the key exists as `null` when the conditions do not hold.
  package let isNullOtherwise: Bool
  /// Other names of the key, used in hints.
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

  /// True if every file must have the key, wherever it exists.
  var isRequired: Bool {
    if case .mapping(let mapping) = form, !isOptional {
      return mapping.keys.contains { $0.isRequired && $0.clauses.isEmpty }
    }
    return standard == .required
  }
}

/// A mapping and its keys, in writing order.
package struct MappingDescription: Equatable, Sendable {
  /// One of the kinds of a mapping, with the keys that only this kind has.
  package struct Kind: Equatable, Sendable {
    /// The word that selects the kind.
    package let word: String
    /// A one-line description.
    package let help: String
    /// The keys of this kind.
    package let mapping: MappingDescription
  }

  /// The keys; for a mapping of several kinds, only the key that selects the kind.
  package let keys: [KeyDescription]
  /// The kinds; empty unless the mapping has several.
  package let kinds: [Kind]

  package init(keys: [KeyDescription], kinds: [Kind] = []) {
    (self.keys, self.kinds) = (keys, kinds)
  }

  /// A key with its path.
  package struct Place: Equatable, Sendable {
    /// The path of its mapping; empty at the root.
    package let mapping: String
    /// The description of the key.
    package let key: KeyDescription
    /// Conditions under which it exists: the kind of its mapping, and its own clauses.
    package let clauses: [Clause]

    /// The path of the key from the root.
    package var path: String { mapping.isEmpty ? key.name : mapping + "." + key.name }
  }

  /// Every key of the mapping and of nested mappings; the keys of each mapping precede those nested
  /// in it.
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

  /// The keys, each with the clause of its kind, if any.
  private var keysByKind: [(key: KeyDescription, kind: [Clause])] {
    keys.map { ($0, []) }
      + kinds.flatMap { kind in
        kind.mapping.keys.map { ($0, [Clause(keys.first?.name ?? "", [kind.word])]) }
      }
  }
}

/// Words as an enumeration: "a", "a and b", "a, b and c".
package func enumerated(_ words: [String]) -> String {
  guard let last = words.last, words.count > 1 else { return words.first ?? "" }
  return words.dropLast().joined(separator: ", ") + " and " + last
}
