import Support

extension Schema {
  /// A condition on settings: a choice among words made by these settings or by others of the file.
  package struct Condition: Sendable {
    /// The condition as a clause, without the settings' types.
    package let clause: Clause
    /// Evaluates the condition.
    package let holds: @Sendable (Settings) -> Bool

    package init(_ clause: Clause, _ holds: @escaping @Sendable (Settings) -> Bool) {
      (self.clause, self.holds) = (clause, holds)
    }
  }

  /// A key with a few words, on which other keys can depend.
  package struct Choice<Word: SettingWord>: Sendable {
    let name: String
    let path: WritableKeyPath<Settings, Word> & Sendable

    package init(_ name: String, _ path: WritableKeyPath<Settings, Word> & Sendable) {
      (self.name, self.path) = (name, path)
    }

    /// The condition that one of these words is chosen.
    package func `is`(_ words: Word...) -> Condition {
      Condition(Clause(name, words.map(\.rawValue))) { [path] in words.contains($0[keyPath: path]) }
    }
  }

  /// An upper bound for a key, defined by a key of another mapping.
  package struct Limit: Sendable {
    /// The path of the other key from the root.
    package let name: String
    private let value: @Sendable (Settings) -> Int?

    package init(_ name: String, _ value: @escaping @Sendable (Settings) -> Int?) {
      (self.name, self.value) = (name, value)
    }

    func applied(
      to range: ClosedRange<Int>, _ settings: Settings
    ) -> ClosedRange<Int> {
      guard let value = value(settings), range.contains(value) else { return range }
      return range.lowerBound...value
    }
  }

  /// The value of a key that a file lacks.
  package enum Default<Value: Sendable>: Sendable {
    /// No default; the missing key is an error.
    case required
    /// The value in the initial settings.
    case initial
    /// A constant.
    case value(Value)
    /// The first value if a condition holds, otherwise the second.
    case either(Value, Condition, otherwise: Value)
    /// A value computed from the settings, with a description in words.
    case computed(String, @Sendable (Settings) -> Value)
  }
}

/// A type whose values are the words of a key.
package typealias SettingWord = RawRepresentable<String> & CaseIterable & Equatable & Sendable
