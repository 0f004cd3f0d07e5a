import Configuration
import Foundation

/// The part of JSON Schema used by the experiments' schema: checks whether a value is valid.
struct JSONSchemaCheck {
  private let root: [String: Any]

  init(_ text: String) throws {
    let value = try JSONSerialization.jsonObject(with: Data(text.utf8))
    guard let root = value as? [String: Any] else { throw Unknown(keyword: "no object") }
    self.root = root
  }

  struct Unknown: Error { let keyword: String }

  func accepts(_ yaml: String) throws -> Bool {
    try accepts(Self.value(try ConfigurationTree(yaml: yaml, file: "e.yaml").root), root)
  }

  /// A YAML value as language servers of editors read it.
  private static func value(_ node: ConfigurationTree.Node) -> Any {
    switch node.content {
    case .mapping(let members):
      return Dictionary(members.map { ($0.key, value($0.node)) }) { first, _ in first }
    case .sequence(let elements): return elements.map(value)
    case .scalar(let text, isQuoted: true): return text
    case .scalar(let text, isQuoted: false):
      if node.isNull { return NSNull() }
      if text == "true" || text == "false" { return text == "true" }
      return Double(text) ?? text
    }
  }

  private func accepts(_ value: Any, _ schema: Any) throws -> Bool {
    if let schema = schema as? Bool { return schema }
    guard let schema = schema as? [String: Any] else { throw Unknown(keyword: "\(schema)") }
    for (keyword, rule) in schema {
      guard try holds(keyword, rule, value, schema) else { return false }
    }
    return true
  }

  private func holds(
    _ keyword: String, _ rule: Any, _ value: Any, _ schema: [String: Any]
  ) throws -> Bool {
    let object = value as? [String: Any]
    let number = value is Bool ? nil : value as? Double
    let list = value as? [Any]
    let limit = (rule as? NSNumber)?.doubleValue ?? 0
    switch (keyword, rule) {
    case ("$schema", _), ("title", _), ("description", _), ("default", _), ("then", _), ("else", _):
      return true
    case ("type", let type as String):
      switch type {
      case "object": return object != nil
      case "array": return list != nil
      case "string": return value is String
      case "boolean": return value is Bool
      case "null": return value is NSNull
      case "number": return number != nil
      case "integer": return number.map { $0 == $0.rounded() } ?? false
      default: throw Unknown(keyword: type)
      }
    case ("enum", let words as [String]): return (value as? String).map(words.contains) ?? false
    case ("const", let word as String): return value as? String == word
    case ("pattern", let pattern as String):
      return (value as? String).map { $0.range(of: pattern, options: .regularExpression) != nil }
        ?? true
    case ("minimum", _): return number.map { $0 >= limit } ?? true
    case ("maximum", _): return number.map { $0 <= limit } ?? true
    case ("exclusiveMinimum", _): return number.map { $0 > limit } ?? true
    case ("exclusiveMaximum", _): return number.map { $0 < limit } ?? true
    case ("multipleOf", _):
      return number.map { $0.truncatingRemainder(dividingBy: limit) == 0 } ?? true
    case ("minItems", _): return list.map { Double($0.count) >= limit } ?? true
    case ("maxItems", _): return list.map { Double($0.count) <= limit } ?? true
    case ("items", _): return try list?.allSatisfy { try accepts($0, rule) } ?? true
    case ("required", let keys as [String]):
      return object.map { object in keys.allSatisfy { object[$0] != nil } } ?? true
    case ("properties", let properties as [String: Any]):
      return try object?.allSatisfy { key, value in
        try properties[key].map { try accepts(value, $0) } ?? true
      } ?? true
    case ("additionalProperties", false as Bool):
      let known = schema["properties"] as? [String: Any] ?? [:]
      return object?.keys.allSatisfy { known[$0] != nil } ?? true
    case ("allOf", let rules as [Any]): return try rules.allSatisfy { try accepts(value, $0) }
    case ("anyOf", let rules as [Any]): return try rules.contains { try accepts(value, $0) }
    case ("not", _): return try !accepts(value, rule)
    case ("if", _):
      return try schema[try accepts(value, rule) ? "then" : "else"].map { try accepts(value, $0) }
        ?? true
    default: throw Unknown(keyword: keyword)
    }
  }
}
