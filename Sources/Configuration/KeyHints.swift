import Support

/// Suggestions for an unknown key: the same key at another path, a key that exists only with other
/// settings, or the usual name of a key elsewhere.
package struct KeyHints: Sendable {
  /// No hints.
  package static let none = KeyHints(MappingDescription(keys: []))

  /// Paths of all keys.
  private var paths: Set<String> = []
  /// Conditions under which keys exist, by path; keys that always exist are not listed.
  private var conditions: [String: String] = [:]
  /// The first path of each key, by the key's name.
  private var places: [String: String] = [:]
  /// Paths by spelling or alias, in lower case without "_" and "-".
  private var words: [String: [String]] = [:]

  /// Creates the hints for the description of a whole file.
  package init(_ description: MappingDescription) {
    let all = description.places
    var alternatives: [String: [[Clause]]] = [:]
    for place in all {
      alternatives[place.path, default: []].append(place.clauses)
      if places[place.key.name] == nil {
        places[place.key.name] = place.path
        words[Self.plain(place.key.name), default: []].append(place.path)
      }
    }
    for place in all {
      for alias in place.key.aliases {
        let word = Self.plain(alias)
        if !words[word, default: []].contains(place.path) {
          words[word, default: []].append(place.path)
        }
      }
    }
    paths = Set(alternatives.keys)
    conditions = alternatives.compactMapValues(Self.text)
  }

  static func plain(_ word: String) -> String {
    String(word.lowercased().filter { $0 != "_" && $0 != "-" })
  }

  /// The alternatives in words, or nil if one of them has no clauses and thus always holds.
  private static func text(_ alternatives: [[Clause]]) -> String? {
    guard alternatives.allSatisfy({ !$0.isEmpty }) else { return nil }
    // Kinds that have the key under the same further clauses are listed together.
    var groups: [[Clause]] = []
    for clauses in alternatives {
      let group = groups.firstIndex {
        $0[0].key == clauses[0].key && $0.dropFirst() == clauses.dropFirst()
      }
      if let group {
        groups[group][0] = Clause(clauses[0].key, groups[group][0].words + clauses[0].words)
      } else {
        groups.append(clauses)
      }
    }
    return groups.map { clauses in
      let others = clauses.dropFirst().map(\.text).joined(separator: " and ")
      return clauses[0].text + (others.isEmpty ? "" : " with " + others)
    }.joined(separator: ", and of ")
  }

  /// A suggestion for an unknown key, as the end of an error message, or nil.
  ///
  /// - Parameters:
  ///   - key: The unknown key.
  ///   - path: Path of the mapping that contains it; empty at the root.
  ///   - known: Keys of this mapping.
  package func hint(for key: String, in path: String, known: [String]) -> String? {
    let prefix = path.isEmpty ? "" : path + "."
    if let dot = key.lastIndex(of: ".") {
      // The form that --set accepts.
      guard paths.contains(prefix + key) else { return nil }
      return "did you mean \(quoted(String(key[key.index(after: dot)...]))) in "
        + "\(quoted(prefix + key[..<dot]))?"
    }
    if let condition = conditions[prefix + key] { return "it is a key of \(condition)" }
    let candidates = ([places[key]].compactMap { $0 } + words[Self.plain(key), default: []])
      .filter { $0 != prefix + key }
    let siblings = candidates.filter { $0.hasPrefix(prefix) }.map { $0.dropFirst(prefix.count) }
      .filter { !$0.contains(".") }.map(String.init)
    if let word = siblings.first(where: known.contains) { return "did you mean \(quoted(word))?" }
    guard let place = candidates.first else { return nil }
    if let word = siblings.first, let condition = conditions[prefix + word] {
      return "\(quoted(word)), which may be meant, is a key of \(condition)"
    }
    let top = !place.contains(".") && !path.isEmpty ? " at the top level" : ""
    return "did you mean \(quoted(place))\(top)?"
  }
}
