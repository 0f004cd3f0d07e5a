// `2 * x` may be read by the compiler as a product of tensors or as that with a `Double`: either
// way it makes one expression. A tensor written as a literal remembers its number, and arithmetic
// among such numbers and `Double`s is that of `Double`, so that `2 * 3.5 * x` has one constant, 7.

extension Tensor: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
  /// A single number.
  public init(floatLiteral value: Double) { self.init(number: value) }
  /// A single number; whole numbers beyond 2^53 are rounded to a `Double`.
  public init(integerLiteral value: Int) { self.init(number: Double(value)) }
}

extension Tensor {
  /// The number π, for `.pi * x`.
  public static var pi: Tensor { Tensor(number: .pi) }

  /// The value of `function`, where a factor that is a number comes first, as in `Double * Tensor`.
  static func arithmetic(_ function: Binary, _ x: Tensor, _ y: Tensor) -> Tensor {
    guard let b = y.number else { return binary(function, x, y) }
    if let a = x.number { return Tensor(number: a.applying(function, b)) }
    return function == .multiply ? binary(function, y, x) : binary(function, x, y)
  }

  /// The sum, element by element.
  public static func + (x: Tensor, y: Tensor) -> Tensor { arithmetic(.add, x, y) }
  /// The difference, element by element.
  public static func - (x: Tensor, y: Tensor) -> Tensor { arithmetic(.subtract, x, y) }
  /// The product, element by element.
  public static func * (x: Tensor, y: Tensor) -> Tensor { arithmetic(.multiply, x, y) }
  /// The quotient, element by element.
  public static func / (x: Tensor, y: Tensor) -> Tensor { arithmetic(.divide, x, y) }
  /// 1 where x is less than y, else 0.
  ///
  /// It has no gradient.
  public static func < (x: Tensor, y: Tensor) -> Tensor { binary(.less, x, y) }
  /// The negative.
  public static prefix func - (x: Tensor) -> Tensor {
    x.number.map { Tensor(number: -$0) } ?? x.unary(.negate)
  }

  /// The sum with a number.
  public static func + (x: Tensor, y: some BinaryFloatingPoint) -> Tensor { x + number(y) }
  /// The sum with a number.
  public static func + (x: some BinaryFloatingPoint, y: Tensor) -> Tensor { number(x) + y }
  /// The difference with a number.
  public static func - (x: Tensor, y: some BinaryFloatingPoint) -> Tensor { x - number(y) }
  /// The difference with a number.
  public static func - (x: some BinaryFloatingPoint, y: Tensor) -> Tensor { number(x) - y }
  /// The product with a number.
  public static func * (x: some BinaryFloatingPoint, y: Tensor) -> Tensor { number(x) * y }
  /// The product with a number.
  public static func * (x: Tensor, y: some BinaryFloatingPoint) -> Tensor { x * number(y) }
  /// The quotient with a number.
  public static func / (x: Tensor, y: some BinaryFloatingPoint) -> Tensor { x / number(y) }
  /// The quotient with a number.
  public static func / (x: some BinaryFloatingPoint, y: Tensor) -> Tensor { number(x) / y }

  private static func number(_ x: some BinaryFloatingPoint) -> Tensor { Tensor(number: Double(x)) }
}
