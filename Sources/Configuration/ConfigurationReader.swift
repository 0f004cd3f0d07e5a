import Support

/// Decodes a mapping of an experiment file strictly, key by key.
///
/// Each key is read once, with the values it may hold; a key left over at the end is an error that
/// names the nearest known key. A `Schema` reads its settings this way; mappings without a schema
/// can be read directly:
///
/// ```swift
/// try tree.decode { reader in
///   (try reader.int("batch", default: 128, in: 1...65536), try reader.double("rate", in: 0...1))
/// }
/// ```
///
/// Every reading function throws `FigmentError` if the value is missing without a
/// default, of another type or out of range.
package struct ConfigurationReader: Sendable {
  private let members: [(key: String, node: ConfigurationTree.Node)]
  private let origin: String
  private let path: String
  private let hints: KeyHints
  private var known: [String] = []

  fileprivate init(
    _ members: [(key: String, node: ConfigurationTree.Node)], origin: String, path: String,
    hints: KeyHints
  ) {
    self.members = members
    self.origin = origin
    self.path = path
    self.hints = hints
  }

  /// The range of all finite numbers.
  package static let finite = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude

  /// Returns true if the file has the key, read or not.
  package func has(_ key: String) -> Bool { members.contains { $0.key == key } }

  /// The value of a key as quoted in errors, or nil if the key is missing or `null`.
  func found(_ key: String) -> String? {
    guard let node = members.first(where: { $0.key == key })?.node, !node.isNull else { return nil }
    return node.found
  }

  /// Creates an error about a key's value, for rules that involve several keys.
  ///
  /// - Parameter key: The key, or a path below this mapping.
  package func error(_ key: String, _ problem: String) -> FigmentError {
    var (place, inner) = (origin, members)
    // A file may contain an unknown key with a "." in its name.
    for word in has(key) ? [key[...]] : key.split(separator: ".") {
      guard let node = inner.first(where: { $0.key == word })?.node else { break }
      place = node.origin
      guard case .mapping(let members) = node.content else { break }
      inner = members
    }
    return FigmentError(origin: place, key: fullPath(key), problem: problem)
  }

  /// Reads a whole number.
  package mutating func int(
    _ key: String, default standard: Int? = nil, in range: ClosedRange<Int> = Int.min...Int.max
  ) throws -> Int {
    try scalar(key, standard, Form.words(range)) {
      Self.int($0).flatMap { range.contains($0) ? $0 : nil }
    }
  }

  /// Reads a whole number, or nil if the key is missing or `null`.
  package mutating func optionalInt(
    _ key: String, in range: ClosedRange<Int> = Int.min...Int.max
  ) throws -> Int? {
    try isAbsent(key) ? nil : int(key, in: range)
  }

  /// Reads a whole number from 0 to 2^64 - 1, such as a seed.
  package mutating func unsigned(_ key: String, default standard: UInt64? = nil) throws -> UInt64 {
    try scalar(key, standard, Form.unsigned.words) {
      Self.isDecimal($0) ? UInt64($0) : nil
    }
  }

  /// Reads a finite number.
  ///
  /// An excluded bound is expressed by the adjacent number: `0.nextUp...1` means above 0.
  package mutating func double(
    _ key: String, default standard: Double? = nil,
    in range: ClosedRange<Double> = Self.finite
  ) throws -> Double {
    try scalar(key, standard, Form.words(range)) {
      Self.double($0).flatMap { range.contains($0) ? $0 : nil }
    }
  }

  /// Reads a finite number, or nil if the key is missing or `null`.
  package mutating func optionalDouble(
    _ key: String,
    in range: ClosedRange<Double> = Self.finite
  ) throws -> Double? {
    try isAbsent(key) ? nil : double(key, in: range)
  }

  /// Reads `true` or `false`.
  package mutating func bool(_ key: String, default standard: Bool? = nil) throws -> Bool {
    try scalar(key, standard, Form.bool.words) {
      switch $0 {
      case "true": true
      case "false": false
      default: nil
      }
    }
  }

  /// Reads a string; one that looks like a number, `true`, `false` or `null` must be quoted.
  package mutating func string(_ key: String, default standard: String? = nil) throws -> String {
    try string(key, standard, "a string") { _ in true }
  }

  /// Reads one of a few words.
  ///
  /// - Parameter refused: Plausible words that are not supported, each with the reason.
  package mutating func string(
    _ key: String, default standard: String? = nil, oneOf words: [String],
    refused: [String: String] = [:]
  ) throws -> String {
    if case .scalar(let text, _)? = members.first(where: { $0.key == key })?.node.content,
      let reason = refused[text]
    {
      throw error(key, "\(reason); expected \(words.joined(separator: ", "))")
    }
    do {
      return try string(key, standard, Form.word(words).words) { words.contains($0) }
    } catch let error as FigmentError {
      guard case .scalar(let text, _)? = members.first(where: { $0.key == key })?.node.content,
        let near = nearest(to: text, among: words)
      else { throw error }
      throw self.error(key, error.problem + "; did you mean \(quoted(near))?")
    }
  }

  /// Reads a name that is valid for a folder: letters, digits, "-", "_" and ".", at most 100,
  /// beginning with a letter or digit.
  package mutating func name(_ key: String, default standard: String? = nil) throws -> String {
    try string(key, standard, Self.nameForm, isPlainName)
  }

  /// The form of a name, as errors describe it.
  static let nameForm =
    "a name of at most 100 letters, digits, \"-\", \"_\" and \".\", the first a letter or digit"

  /// Reads a list of whole numbers.
  package mutating func intArray(
    _ key: String, default standard: [Int]? = nil, in range: ClosedRange<Int> = Int.min...Int.max,
    count: ClosedRange<Int> = 0...1024
  ) throws -> [Int] {
    try list(key, standard, Form.words(range), count) { text, isQuoted in
      isQuoted ? nil : Self.int(text).flatMap { range.contains($0) ? $0 : nil }
    }
  }

  /// Decodes the mapping below a key by `body`; a missing mapping is treated as an empty one.
  package mutating func nested<Value>(
    _ key: String, _ body: (inout ConfigurationReader) throws -> Value
  ) throws -> Value {
    let node = take(key)
    var inner: [(key: String, node: ConfigurationTree.Node)] = []
    if let node {
      guard case .mapping(let members) = node.content else {
        throw error(key, "expected keys and values, found \(node.found)")
      }
      inner = members
    }
    var reader = ConfigurationReader(
      inner, origin: node?.origin ?? origin, path: fullPath(key), hints: hints)
    let value = try body(&reader)
    try reader.finish()
    return value
  }

  /// Decodes the mapping below a key like `nested`, or returns nil if it is missing or `null`.
  mutating func optionalNested<Value>(
    _ key: String, _ body: (inout ConfigurationReader) throws -> Value
  ) throws -> Value? {
    try isAbsent(key) ? nil : nested(key, body)
  }

  /// Checks that every key of the mapping has been read.
  ///
  /// - Throws: `FigmentError` naming the first unknown key and the nearest known one.
  package func finish() throws {
    guard let (key, _) = members.first(where: { !known.contains($0.key) }) else { return }
    // A name used elsewhere for a key is a better hint than a similar spelling.
    if let hint = hints.hint(for: key, in: path, known: known) {
      throw error(key, "unknown key; " + hint)
    }
    if let near = nearest(to: key, among: known) {
      throw error(key, "unknown key; did you mean \(quoted(near))?")
    }
    throw error(key, "unknown key; known here: \(known.joined(separator: ", "))")
  }

  private func fullPath(_ key: String) -> String { path.isEmpty ? key : path + "." + key }

  private mutating func take(_ key: String) -> ConfigurationTree.Node? {
    known.append(key)
    return members.first { $0.key == key }?.node
  }

  private mutating func isAbsent(_ key: String) -> Bool {
    let node = take(key)
    known.removeLast()
    guard node?.isNull ?? true else { return false }
    known.append(key)
    return true
  }

  private func missing(_ key: String, _ expected: String) -> FigmentError {
    let unread = members.map(\.key).filter { !known.contains($0) }
    let hint = nearest(to: key, among: unread).map { "; there is \(quoted($0))" } ?? ""
    return error(key, "missing; expected \(expected)\(hint)")
  }

  private mutating func scalar<Value>(
    _ key: String, _ standard: Value?, _ expected: String, _ decode: (String) -> Value?
  ) throws -> Value {
    guard let node = take(key) else {
      if let standard { return standard }
      throw missing(key, expected)
    }
    // A value of --set keeps surrounding spaces, which do not matter for a number.
    guard case .scalar(let text, isQuoted: false) = node.content,
      let value = decode(text.trimmed)
    else {
      throw error(key, "expected \(expected), found \(node.found)")
    }
    return value
  }

  private mutating func string(
    _ key: String, _ standard: String?, _ expected: String, _ isAllowed: (String) -> Bool
  ) throws -> String {
    guard let node = take(key) else {
      if let standard { return standard }
      throw missing(key, expected)
    }
    guard case .scalar(let text, let isQuoted) = node.content, isAllowed(text) else {
      throw error(key, "expected \(expected), found \(node.found)")
    }
    guard isQuoted || !Self.isSpecial(text) else {
      throw error(key, "expected \(expected), found \(node.found); a string needs quotes here")
    }
    return text
  }

  private mutating func list<Value>(
    _ key: String, _ standard: [Value]?, _ expected: String, _ count: ClosedRange<Int>,
    _ decode: (String, Bool) -> Value?
  ) throws -> [Value] {
    let amount = Form.amount(count)
    guard let node = take(key) else {
      if let standard { return standard }
      throw missing(key, "a list of \(amount), each \(expected)")
    }
    guard case .sequence(let elements) = node.content, count.contains(elements.count) else {
      throw error(key, "expected a list of \(amount), each \(expected), found \(node.found)")
    }
    return try elements.enumerated().map { index, element in
      guard case .scalar(let text, let isQuoted) = element.content,
        let value = decode(text, isQuoted)
      else {
        throw FigmentError(
          origin: element.origin, key: "\(fullPath(key))[\(index)]",
          problem: "expected \(expected), found \(element.found)")
      }
      return value
    }
  }
}

extension ConfigurationTree {
  /// Decodes the whole tree; a key that `body` does not read is an error.
  ///
  /// - Parameter hints: Hints about unknown keys, in addition to similar names.
  /// - Throws: `FigmentError` naming the file, the key, the value and what was expected.
  package func decode<Value>(
    hints: KeyHints, _ body: (inout ConfigurationReader) throws -> Value
  ) throws -> Value {
    guard case .mapping(let members) = root.content else {
      throw FigmentError(origin: file, key: "", problem: "expected keys and values")
    }
    var reader = ConfigurationReader(members, origin: file, path: "", hints: hints)
    let value = try body(&reader)
    try reader.finish()
    return value
  }

  /// Decodes the whole tree; a key that `body` does not read is an error.
  ///
  /// - Throws: `FigmentError` naming the file, the key, the value and what was expected.
  package func decode<Value>(
    _ body: (inout ConfigurationReader) throws -> Value
  ) throws -> Value {
    try decode(hints: .none, body)
  }
}

extension String {
  /// The string without spaces at its ends.
  fileprivate var trimmed: String {
    String(String(drop { $0 == " " }.reversed()).drop { $0 == " " }.reversed())
  }
}

extension ConfigurationReader {
  private static func isDecimal(_ text: String) -> Bool {
    let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
    return !digits.isEmpty && digits.utf8.allSatisfy { (0x30...0x39).contains($0) }
      && (digits.utf8.count == 1 || digits.utf8.first != 0x30)
  }

  private static func int(_ text: String) -> Int? { isDecimal(text) ? Int(text) : nil }

  /// Parses decimal digits with an optional sign, fraction and exponent; never returns infinity.
  private static func double(_ text: String) -> Double? {
    let isPlain = text.utf8.allSatisfy {
      (0x30...0x39).contains($0) || [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains($0)
    }
    guard isPlain, let value = Double(text), value.isFinite else { return nil }
    return value
  }

  /// Returns true if YAML reads a plain scalar as something other than a string.
  static func isSpecial(_ text: String) -> Bool {
    switch text.lowercased() {
    case "", "~", "null", "true", "false", "yes", "no", "on", "off", ".inf", "-.inf", ".nan": true
    default: double(text) != nil
    }
  }
}
