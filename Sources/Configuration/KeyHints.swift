import Support

/// What may be meant by a key that is unknown where it stands: the same key at another place, a key that
/// exists with other settings, or what others call a key.
package struct KeyHints: Sendable {
  /// No hints.
  package static let none = KeyHints(MappingDescription(keys: []))

  /// The paths of all keys.
  private var paths: Set<String> = []
  /// By the path of a key that does not always exist: when it does.
  private var conditions: [String: String] = [:]
  /// By a key: the first of the paths at which it stands.
  private var places: [String: String] = [:]
  /// By a word without "_" and "-", in lower case: the paths of the keys that are spelt so, and of those
  /// that others call so.
  private var words: [String: [String]] = [:]

  /// The hints that the description of a whole file gives.
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

  /// Of several sets of clauses those that one of holds, or nil where one is empty.
  private static func text(_ alternatives: [[Clause]]) -> String? {
    guard alternatives.allSatisfy({ !$0.isEmpty }) else { return nil }
    // Kinds that have the key under the same further clauses are told in one breath.
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

  /// What may be meant by an unknown key, as an error ends, or nil.
  ///
  /// - Parameters:
  ///   - path: Of the mapping that it stands in; empty at the root.
  ///   - known: The keys that this mapping has.
  package func hint(for key: String, in path: String, known: [String]) -> String? {
    let prefix = path.isEmpty ? "" : path + "."
    if let dot = key.lastIndex(of: ".") {
      // As --set has it.
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
