extension MappingDescription {
  /// The keys of one mapping, or of one of its kinds.
  package struct Section: Sendable {
    /// The path of the mapping; empty at the root.
    package let path: String
    /// The kind, if the mapping has several.
    package let kind: Kind?
    /// A description of the mapping or of the kind.
    package let help: String
    /// The keys, in writing order.
    package let keys: [KeyDescription]
  }

  /// The mapping and all nested mappings, each followed by those nested in it.
  var sections: [Section] { sections(path: "", help: "") }

  private func sections(path: String, help: String) -> [Section] {
    func below(_ mapping: MappingDescription) -> [Section] {
      mapping.keys.flatMap { key -> [Section] in
        guard case .mapping(let inner) = key.form else { return [] }
        return inner.sections(path: path.isEmpty ? key.name : path + "." + key.name, help: key.help)
      }
    }
    return [Section(path: path, kind: nil, help: help, keys: keys)] + below(self)
      + kinds.flatMap { kind in
        [Section(path: path, kind: kind, help: kind.help, keys: kind.mapping.keys)]
          + below(kind.mapping)
      }
  }
}

extension KeyDescription {
  /// The valid values of the key, in words.
  package var holds: String {
    let other = exception.map { "; with \($0.clause.text), \($0.form.rangeWords)" } ?? ""
    return form.words + other + (isOptional ? ", or null" : "")
  }

  /// The value of a missing key, in words; empty if the keys of the mapping describe it.
  var fallback: String {
    if case .mapping = form, !isOptional { return isRequired ? "required" : "" }
    switch standard {
    case .required: return "required"
    case .value(let value): return value.inline
    case .either(let value, let clause, let other):
      return "\(value.inline) with \(clause.text), else \(other.inline)"
    case .words(let words): return words
    }
  }

  /// The condition under which the key exists, in words; empty if it always exists.
  var existence: String {
    guard !clauses.isEmpty else { return "" }
    return "with \(clauses.map(\.text).joined(separator: " and "))"
      + (isNullOtherwise ? ", null otherwise" : "")
  }
}

extension MappingDescription {
  /// Every key as text for a terminal, in two lines: its path, valid values, default and condition;
  /// and its description.
  package var listing: String {
    sections.map { section in
      let title = section.kind.map { kind in
        "\(section.path) of \(keyOfKinds(section)): \(kind.word). \(kind.help)\n"
      }
      return (title ?? "") + section.keys.map { Self.listing($0, in: section) }.joined()
    }.joined(separator: "\n")
  }

  /// The keys that a word refers to, in the form of `listing`, or nil if there are none.
  ///
  /// - Parameter word: The path of a key or of a mapping, a key without its path, an alias of a
  ///   key, or a kind.
  package func listing(of word: String) -> String? {
    guard !word.isEmpty else { return nil }
    let sections = sections
    let inner = sections.filter {
      $0.path == word || $0.path.hasPrefix(word + ".") || $0.kind?.word == word
    }
    var lines = sections.flatMap { section in
      section.keys.filter { section.path(of: $0) == word || inner.isEmpty && $0.isCalled(word) }
        .map { Self.listing($0, in: section) }
    }
    lines += inner.map { section in
      section.keys.map { Self.listing($0, in: section) }.joined()
    }
    return lines.isEmpty ? nil : lines.joined(separator: "")
  }

  /// The words that `listing(of:)` accepts, without aliases.
  package var subjects: [String] {
    sections.flatMap { section in
      section.keys.flatMap { [section.path(of: $0), $0.name] }
        + [section.kind?.word].compactMap { $0 }
    }
  }

  private func keyOfKinds(_ section: Section) -> String {
    sections.first { $0.path == section.path && $0.kind == nil }?.keys.first?.name ?? ""
  }

  private static func listing(_ key: KeyDescription, in section: Section) -> String {
    let kind = section.kind.map { "of kind: \($0.word)" } ?? ""
    let standard =
      ["", "required"].contains(key.fallback) ? key.fallback : "default " + key.fallback
    let parts = [
      key.holds, standard, [kind, key.existence].filter { !$0.isEmpty }.joined(separator: " "),
    ]
    return "\(section.path(of: key)): \(parts.filter { !$0.isEmpty }.joined(separator: "; "))\n"
      + "    \(key.help)\n"
  }
}

extension MappingDescription {
  /// Every key as Markdown: one table for each mapping, and for each kind of a mapping.
  ///
  /// - Parameter title: Name of the root.
  package func markdown(title: String) -> String {
    sections.map { section in
      let name = section.path.isEmpty ? title : "`\(section.path)`"
      let heading = name + (section.kind.map { " of `kind: \($0.word)`" } ?? "")
      return """
        ## \(heading)
        \(section.help.isEmpty ? "" : "\n\(Self.escaped(section.help))\n")
        | key | what it holds | default | what it is |
        |---|---|---|---|
        \(section.keys.map(Self.row).joined(separator: "\n"))

        """
    }.joined(separator: "\n")
  }

  private static func row(_ key: KeyDescription) -> String {
    let existence = key.existence
    let cells = [
      "`\(key.name)`", escaped(key.holds), escaped(key.fallback),
      escaped(key.help) + (existence.isEmpty ? "" : " *Only \(escaped(existence)).*"),
    ]
    return "| " + cells.joined(separator: " | ") + " |"
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("|", with: "\\|").replacing("*", with: "\\*").replacing("_", with: "\\_")
  }
}

extension MappingDescription.Section {
  fileprivate func path(of key: KeyDescription) -> String {
    path.isEmpty ? key.name : path + "." + key.name
  }
}

extension KeyDescription {
  /// Returns true if a word is the name of the key or one of its aliases.
  fileprivate func isCalled(_ word: String) -> Bool {
    let plain = KeyHints.plain(word)
    return ([name] + aliases).contains { KeyHints.plain($0) == plain }
  }
}
