import Support

extension MappingDescription {
  /// The mapping as a JSON Schema (draft 2020-12) for editors.
  ///
  /// Rules that involve more than one mapping and its choices are left to the reader.
  package func jsonSchema(title: String) -> ConfigurationValue {
    var root: [ConfigurationValue.Member] = [
      .init("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
      .init("title", .string(title)),
    ]
    var schema = self.schema
    let further = places.flatMap { place in
      place.clauses.filter { $0.key.contains(".") }.map { clause in
        Self.conditional(
          unless: clause, at: clause.key.split(separator: ".").map(String.init),
          forbids: place.path.split(separator: ".").map(String.init))
      }
    }
    if !further.isEmpty { schema.append(to: "allOf", further) }
    root += schema
    return .mapping(root)
  }

  private typealias Members = [ConfigurationValue.Member]

  /// The members of a schema for this mapping.
  fileprivate var schema: [ConfigurationValue.Member] {
    var schema: Members = [.init("type", .string("object"))]
    let required = keys.filter { $0.isRequired && $0.clauses.isEmpty }.map(\.name)
    if !required.isEmpty { schema.append(.init("required", .list(required))) }
    schema.append(.init("properties", .mapping(keys.map { .init($0.name, .mapping($0.schema)) })))
    // The keys of each kind are in the schema of that kind.
    if kinds.isEmpty { schema.append(.init("additionalProperties", .bool(false))) }
    var rules: [ConfigurationValue] = keys.flatMap(rules)
    for kind in kinds {
      guard let name = keys.first?.name else { continue }
      let word = KeyDescription(
        name: name, help: kind.help, form: .word([kind.word]), standard: .required)
      let inner = MappingDescription(keys: [word] + kind.mapping.keys)
      rules.append(
        .mapping([
          .init(
            "if",
            .mapping([
              .init(
                "properties",
                .mapping([.init(name, .mapping([.init("const", .string(kind.word))]))])),
              .init("required", .list([name])),
            ])), .init("then", .mapping(inner.schema)),
        ]))
    }
    if !rules.isEmpty { schema.append(.init("allOf", .list(rules))) }
    return schema
  }

  /// Rules that relate a key to other keys of this mapping.
  private func rules(_ key: KeyDescription) -> [ConfigurationValue] {
    var rules: [ConfigurationValue] = []
    for clause in key.clauses where !clause.key.contains(".") {
      let refused: ConfigurationValue =
        key.isNullOtherwise ? .mapping([.init("type", .string("null"))]) : .bool(false)
      rules.append(
        .mapping([
          .init("if", .mapping([.init("not", holds(clause))])),
          .init("then", .mapping([.init("properties", .mapping([.init(key.name, refused)]))])),
        ]))
    }
    if let exception = key.exception {
      func limit(_ form: Form) -> ConfigurationValue {
        .mapping([.init("properties", .mapping([.init(key.name, .mapping(form.schema))]))])
      }
      rules.append(
        .mapping([
          .init("if", holds(exception.clause)), .init("then", limit(exception.form)),
          .init("else", limit(key.form)),
        ]))
    }
    return rules
  }

  /// A schema that is satisfied if the clause holds; a missing key counts as its default.
  private func holds(_ clause: Clause) -> ConfigurationValue {
    var schema: Members = [
      .init(
        "properties",
        .mapping([.init(clause.key, .mapping([.init("enum", .list(clause.words))]))]))
    ]
    let standard = keys.first { $0.name == clause.key }?.standard
    let isDefault = clause.words.contains { standard == .value(.string($0)) }
    if !isDefault { schema.append(.init("required", .list([clause.key]))) }
    return .mapping(schema)
  }

  /// A rule that forbids a key, at a path from the root, unless another key has certain words.
  private static func conditional(
    unless clause: Clause, at path: [String], forbids key: [String]
  ) -> ConfigurationValue {
    func nested(_ path: [String], _ schema: ConfigurationValue) -> ConfigurationValue {
      path.reversed().reduce(schema) { schema, key in
        .mapping([.init("properties", .mapping([.init(key, schema)]))])
      }
    }
    let words = ConfigurationValue.mapping([.init("enum", .list(clause.words))])
    return .mapping([
      .init("if", .mapping([.init("not", nested(path, words))])),
      .init("then", nested(key, .bool(false))),
    ])
  }
}

extension KeyDescription {
  /// The members of a schema for the key's value.
  fileprivate var schema: [ConfigurationValue.Member] {
    // If the range depends on another key, the rules of the mapping express it.
    var schema: [ConfigurationValue.Member] = exception == nil ? form.schema : []
    if isOptional {
      schema = [
        .init("anyOf", .list([.mapping(schema), .mapping([.init("type", .string("null"))])]))
      ]
    }
    schema.append(.init("description", .string(text)))
    if case .value(let value) = standard { schema.append(.init("default", value)) }
    return schema
  }

  /// Text shown by editors; they show by themselves whether a key is required, and simple defaults.
  private var text: String {
    let standard =
      switch self.standard {
      case .required, .value: ""
      case .either, .words: fallback.isEmpty ? "" : "Default: \(fallback)"
      }
    let existence = existence.isEmpty ? "" : "Only \(existence)"
    return [help, standard, existence].filter { !$0.isEmpty }.joined(separator: "\n")
  }
}

extension Form {
  /// The members of a schema for such values.
  fileprivate var schema: [ConfigurationValue.Member] {
    func whole(_ range: ClosedRange<Int>) -> [ConfigurationValue.Member] {
      [
        .init("type", .string("integer")), .init("minimum", .integer(range.lowerBound)),
        .init("maximum", .integer(range.upperBound)),
      ]
    }
    switch self {
    case .integer(let range, let factor, _):
      return whole(range) + (factor == 1 ? [] : [.init("multipleOf", .integer(factor))])
    case .unsigned:
      return [
        .init("type", .string("integer")), .init("minimum", .integer(0)),
        .init("maximum", .unsigned(.max)),
      ]
    case .number(let range):
      let (low, high) = Self.bounds(range)
      return [.init("type", .string("number"))]
        + [
          low.map { .init($0.isExcluded ? "exclusiveMinimum" : "minimum", .number($0.value)) },
          high.map { .init($0.isExcluded ? "exclusiveMaximum" : "maximum", .number($0.value)) },
        ].compactMap { $0 }
    case .bool: return [.init("type", .string("boolean"))]
    case .word(let words):
      return [.init("type", .string("string")), .init("enum", .list(words))]
    case .text(_, let known, let pattern):
      let type = ConfigurationValue.Member("type", .string("string"))
      let matching = pattern.map { ConfigurationValue.Member("pattern", .string($0)) }
      guard !known.isEmpty else { return [type, matching].compactMap { $0 } }
      let listed = ConfigurationValue.mapping([.init("enum", .list(known))])
      return [type]
        + (matching.map { [.init("anyOf", .list([listed, .mapping([$0])]))] } ?? [])
    case .integers(let range, let count):
      return [
        .init("type", .string("array")), .init("items", .mapping(whole(range))),
        .init("minItems", .integer(count.lowerBound)),
        .init("maxItems", .integer(count.upperBound)),
      ]
    case .mapping(let mapping): return mapping.schema
    }
  }
}

extension [ConfigurationValue.Member] {
  /// Appends to the list at a key, which is created if it is missing.
  fileprivate mutating func append(to key: String, _ values: [ConfigurationValue]) {
    guard let index = firstIndex(where: { $0.key == key }), case .list(let list) = self[index].value
    else {
      append(.init(key, .list(values)))
      return
    }
    self[index] = .init(key, .list(list + values))
  }
}

extension ConfigurationValue {
  /// The value as JSON: one member per line, small values next to their keys.
  package var json: String { json(indentation: "") + "\n" }

  private func json(indentation: String) -> String {
    let line = flatJSON
    guard line.count + indentation.count > 90 else { return line }
    let inner = indentation + "  "
    switch self {
    case .mapping(let members):
      return "{\n"
        + members.map { inner + jsonString($0.key) + ": " + $0.value.json(indentation: inner) }
        .joined(separator: ",\n") + "\n\(indentation)}"
    case .list(let values):
      return "[\n" + values.map { inner + $0.json(indentation: inner) }.joined(separator: ",\n")
        + "\n\(indentation)]"
    default: return line
    }
  }

  private var flatJSON: String {
    switch self {
    case .string(let text): jsonString(text)
    case .mapping(let members):
      "{"
        + members.map { jsonString($0.key) + ": " + $0.value.flatJSON }.joined(separator: ", ")
        + "}"
    case .list(let values): "[" + values.map(\.flatJSON).joined(separator: ", ") + "]"
    case .integer, .unsigned, .number, .bool, .null: inline
    }
  }
}
