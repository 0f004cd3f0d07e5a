import Support
import Yams

/// A YAML file as a tree of mappings, sequences and scalars in the order of the file.
///
/// Only plain data is accepted: one document with a mapping at its root, no anchors, aliases, tags
/// or merge keys, no duplicate keys.
package struct ConfigurationTree: Sendable {
  package struct Node: Sendable {
    package enum Content: Sendable {
      case scalar(String, isQuoted: Bool)
      case sequence([Node])
      case mapping([(key: String, node: Node)])
    }

    package var content: Content
    package var origin: String

    /// The value as quoted in errors.
    package var found: String {
      switch content {
      case .scalar("", isQuoted: false): "nothing"
      case .scalar(let text, isQuoted: false): printable(text, limit: 60)
      case .scalar(let text, isQuoted: true): "the string \(quoted(text))"
      case .sequence(let elements): "a list of \(elements.count)"
      case .mapping: "a mapping"
      }
    }

    package var isNull: Bool {
      guard case .scalar(let text, isQuoted: false) = content else { return false }
      return ["", "~", "null", "Null", "NULL"].contains(text)
    }
  }

  /// The largest accepted file, in bytes.
  package static let maximumLength = 1 << 20

  /// The name of the file in errors.
  package let file: String
  package private(set) var root: Node

  /// Reads a file.
  ///
  /// - Throws: `FigmentError` if it cannot be read, is too long, or is not plain YAML with a
  ///   mapping at its root.
  package init(contentsOf path: String) throws {
    try self.init(bytes: FileSystem.read(path, limit: Self.maximumLength), file: path)
  }

  /// Parses the bytes of a file; errors call it `file`.
  ///
  /// - Throws: `FigmentError` if they are not plain YAML with a mapping at its root.
  package init(bytes: [UInt8], file: String) throws {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw FigmentError(origin: file, key: "", problem: "expected UTF-8 text")
    }
    try self.init(yaml: text, file: file)
  }

  /// Parses text; errors call it `file`.
  ///
  /// - Throws: `FigmentError` if it is not plain YAML with a mapping at its root.
  package init(yaml: String, file: String) throws {
    self.file = file
    guard let root = try Self.parse(yaml, origin: { "\(file):\($0)" }, whole: file) else {
      throw FigmentError(
        origin: file, key: "", problem: "is empty; expected keys and values")
    }
    guard case .mapping = root.content else {
      throw FigmentError(
        origin: root.origin, key: "",
        problem: "expected keys and values at the root, found \(root.found)")
    }
    self.root = root
  }

  /// Sets the value at a path of keys, as `--set model.width=64` does.
  ///
  /// The value extends to the end of the text: it is a list or a mapping if it begins with a
  /// bracket, a string if it begins with a quote, otherwise a number or word, which may contain
  /// spaces, "#" and ":". A key that the file lacks is added; unknown keys are reported when the
  /// tree is decoded.
  ///
  /// - Throws: `FigmentError` naming the override if it is malformed or leads through a
  ///   value that is not a mapping.
  package mutating func override(_ assignment: String) throws {
    let origin = "--set \(printable(assignment, limit: 80))"
    guard let equals = assignment.firstIndex(of: "=") else {
      throw FigmentError(origin: origin, key: "", problem: "expected key=value")
    }
    let keys = assignment[..<equals].split(separator: ".", omittingEmptySubsequences: false)
      .map(String.init)
    guard keys.allSatisfy({ !$0.isEmpty }), keys.count <= 32 else {
      throw FigmentError(
        origin: origin, key: "", problem: "expected a key, or keys joined by dots, before \"=\"")
    }
    let text = String(assignment[assignment.index(after: equals)...])
    let node = try Self.value(text, origin: origin)
    try Self.set(node, at: keys[...], in: &root, path: "", origin: origin)
  }

  /// Parses the value of an override.
  private static func value(_ text: String, origin: String) throws -> Node {
    guard let first = text.first(where: { $0 != " " }), "[{\"'&*!|>%@`".contains(first) else {
      return Node(content: .scalar(text, isQuoted: false), origin: origin)
    }
    let node =
      try parse(text, origin: { _ in origin }, whole: origin)
      ?? Node(content: .scalar("", isQuoted: false), origin: origin)
    // If appended text disappears without an error, the value ends in a comment.
    do { _ = try parse(text + " ]}\"'", origin: { _ in origin }, whole: origin) } catch {
      return node
    }
    throw FigmentError(
      origin: origin, key: "",
      problem: "a \"#\" begins a comment here; put the value between quotes, or leave it out")
  }

  private static func set(
    _ value: Node, at keys: ArraySlice<String>, in node: inout Node, path: String, origin: String
  ) throws {
    guard let key = keys.first else {
      node = value
      return
    }
    guard case .mapping(var members) = node.content else {
      throw FigmentError(
        origin: origin, key: path, problem: "expected a mapping, found \(node.found)")
    }
    let inner = path.isEmpty ? key : path + "." + key
    if let index = members.firstIndex(where: { $0.key == key }) {
      try set(value, at: keys.dropFirst(), in: &members[index].node, path: inner, origin: origin)
    } else {
      var added = Node(content: .mapping([]), origin: origin)
      try set(value, at: keys.dropFirst(), in: &added, path: inner, origin: origin)
      members.append((key, added))
    }
    node.content = .mapping(members)
  }

  /// The scalars of the tree as text, with their paths, in the order of the file.
  package var leaves: [(path: String, text: String)] {
    var result: [(path: String, text: String)] = []
    func text(_ node: Node) -> String {
      switch node.content {
      case .scalar(let text, let isQuoted): isQuoted ? jsonString(text) : text
      case .sequence(let elements): "[" + elements.map(text).joined(separator: ", ") + "]"
      case .mapping(let members):
        "{" + members.map { "\($0.key): \(text($0.node))" }.joined(separator: ", ") + "}"
      }
    }
    func visit(_ node: Node, _ path: String) {
      if case .mapping(let members) = node.content, !members.isEmpty || path.isEmpty {
        for (key, node) in members { visit(node, path.isEmpty ? key : path + "." + key) }
      } else {
        result.append((path, text(node)))
      }
    }
    visit(root, "")
    return result
  }
}

extension ConfigurationTree {
  /// Limit on aliases, above which a file is not even parsed: a few can expand to an endless text.
  private static let maximumAliases = 20

  private static func parse(
    _ yaml: String, origin: (Int) -> String, whole: String
  ) throws -> Node? {
    func failure(_ problem: String, line: Int?) -> FigmentError {
      FigmentError(origin: line.map(origin) ?? whole, key: "", problem: problem)
    }
    guard aliasCount(yaml) <= maximumAliases else {
      throw failure("anchors and aliases are not allowed; write the value out", line: nil)
    }
    do {
      // No resolver: the reader of each key decides what a plain scalar means.
      let parser = try Parser(yaml: yaml, resolver: .basic, encoding: .utf8)
      // Only the parser keeps the anchors alive.
      return try withExtendedLifetime(parser) {
        guard let root = try parser.nextRoot() else { return nil }
        let node = try convert(root, path: "", origin: origin)
        if let second = try parser.nextRoot() {
          throw failure("a second document begins; expected one", line: second.mark?.line)
        }
        return node
      }
    } catch let error as YamlError {
      switch error {
      case .scanner(let context, let problem, let mark, _),
        .parser(let context, let problem, let mark, _),
        .composer(let context, let problem, let mark, _):
        if problem == "found undefined alias" {
          throw failure(
            "anchors and aliases are not allowed; write the value out", line: mark.line)
        }
        let hasLines = origin(1) != whole
        let detail =
          context.map { $0.text + (hasLines ? " at line \($0.mark.line): " : ": ") } ?? ""
        throw failure("not YAML: " + printable(detail + problem), line: mark.line)
      case .reader(let problem, _, let value, _):
        let detail = value >= 0 ? " (U+\(String(value, radix: 16, uppercase: true)))" : ""
        throw failure("not YAML: " + printable(problem) + detail, line: nil)
      case .duplicatedKeysInMapping(let keys, let context):
        throw failure(
          "the key \(quoted(keys.first ?? "")) appears twice", line: context.mark.line)
      default: throw failure("not YAML", line: nil)
      }
    }
  }

  private static func convert(
    _ node: Yams.Node, path: String, origin: (Int) -> String
  ) throws -> Node {
    let place = origin(node.mark?.line ?? 1)
    func failure(_ problem: String) -> FigmentError {
      FigmentError(origin: place, key: path, problem: problem)
    }
    func check(anchor: Anchor?, tag: Tag, _ allowed: String) throws {
      guard anchor == nil else {
        throw failure("anchors and aliases are not allowed; write the value out")
      }
      guard ["", "tag:yaml.org,2002:" + allowed].contains(tag.rawValue) else {
        throw failure("the tag \(quoted(tag.rawValue)) is not allowed")
      }
    }
    switch node {
    case .scalar(let scalar):
      try check(anchor: scalar.anchor, tag: scalar.tag, "str")
      let isQuoted = scalar.style != .plain && scalar.style != .any
      return Node(content: .scalar(scalar.string, isQuoted: isQuoted), origin: place)
    case .sequence(let sequence):
      try check(anchor: sequence.anchor, tag: sequence.tag, "seq")
      return Node(
        content: .sequence(
          try sequence.enumerated().map {
            try convert($1, path: "\(path)[\($0)]", origin: origin)
          }), origin: place)
    case .mapping(let mapping):
      try check(anchor: mapping.anchor, tag: mapping.tag, "map")
      var members: [(key: String, node: Node)] = []
      var seen: Set<String> = []
      for (key, value) in mapping {
        guard case .scalar(let scalar) = key else {
          throw failure("a key that is not a word; expected key: value")
        }
        let name = scalar.string
        let keyPlace = origin(scalar.mark?.line ?? 1)
        guard scalar.anchor == nil, name != "<<" else {
          throw FigmentError(
            origin: keyPlace, key: path,
            problem: "anchors and aliases are not allowed; write the value out")
        }
        guard seen.insert(name).inserted else {
          throw FigmentError(
            origin: keyPlace, key: path, problem: "the key \(quoted(name)) appears twice")
        }
        var member = try convert(
          value, path: path.isEmpty ? name : path + "." + name, origin: origin)
        member.origin = keyPlace
        members.append((name, member))
      }
      return Node(content: .mapping(members), origin: place)
    case .alias: throw failure("anchors and aliases are not allowed; write the value out")
    }
  }

  /// Counts the asterisks that may begin an alias: at the start of a word, followed by a letter or
  /// digit.
  private static func aliasCount(_ yaml: String) -> Int {
    var count = 0
    var previous: UInt8 = 0x20
    var isCandidate = false
    for byte in yaml.utf8 {
      switch byte {
      case _ where isCandidate:
        isCandidate = false
        if byte > 0x20 && byte != UInt8(ascii: "*") { count += 1 }
      case UInt8(ascii: "*"):
        isCandidate = previous <= 0x20 || previous == 0x5B || previous == 0x7B || previous == 0x2C
      default: break
      }
      previous = byte
    }
    return count
  }
}
