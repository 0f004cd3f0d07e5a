import Support

/// A number or a text as a member of a JSON object.
public enum JSONValue: Equatable, Sendable {
  /// A whole number.
  case integer(Int)
  /// A number in double precision.
  case number(Double)
  /// A number in single precision: printed with the digits that a `Float` needs.
  case single(Float)
  /// A text, such as the name of a run.
  case text(String)

  /// The value as a number, or nil if it is a text.
  public var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    case .single(let value): Double(value)
    case .text(let text): Self.nonFinite[text]
    }
  }

  private static let nonFinite: [String: Double] = [
    "NaN": .nan, "Infinity": .infinity, "-Infinity": -.infinity,
  ]

  /// The value as JSON text.
  public var json: String {
    switch self {
    case .integer(let value): "\(value)"
    case .number(let value): Self.json(value, "\(value)")
    case .single(let value): Self.json(Double(value), "\(value)")
    case .text(let text): jsonString(text)
    }
  }

  private static func json(_ value: Double, _ digits: String) -> String {
    if value.isNaN { return "\"NaN\"" }
    if value.isInfinite { return value < 0 ? "\"-Infinity\"" : "\"Infinity\"" }
    return digits
  }
}

/// A JSON object with its keys in the order given.
public struct JSONObject: CustomStringConvertible, Sendable {
  /// The object as text on one line.
  public let description: String

  /// Creates an object from its members.
  public init(_ members: [(name: String, value: JSONValue)]) {
    let texts = members.map { jsonString($0.name) + ":" + $0.value.json }
    description = "{" + texts.joined(separator: ",") + "}"
  }
}
