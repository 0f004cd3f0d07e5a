#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

// The C library's functions of one number, under names that do not hide the ones on tensors.
extension Double {
  package var logarithm: Double { log(self) }
  package var exponential: Double { exp(self) }
  /// e^x - 1, which does not cancel near 0.
  package var exponentialMinusOne: Double { expm1(self) }
  package var sine: Double { sin(self) }
  package var cosine: Double { cos(self) }
  /// The angle of the point (base, self), in (-π, π].
  package func angle(above base: Double) -> Double { atan2(self, base) }

  /// The function in double precision, as the reference interpreter and constant folding use it.
  package func applying(_ function: Unary) -> Double {
    switch function {
    case .negate: -self
    case .exp: exp(self)
    case .expm1: expm1(self)
    case .log: log(self)
    case .log1p: log1p(self)
    case .sqrt: squareRoot()
    case .reciprocal: 1 / self
    case .tanh: tanh(self)
    case .sin: sin(self)
    case .cos: cos(self)
    case .abs: Swift.abs(self)
    case .sign: self > 0 ? 1 : self < 0 ? -1 : self
    case .floor: rounded(.down)
    case .erf: erf(self)
    case .sigmoid:  // exp of a number that is not positive, so that it does not overflow.
      self < 0 ? exp(self) / (1 + exp(self)) : 1 / (1 + exp(-self))
    case .softplus: (self < 0 ? 0 : self) + log1p(exp(-Swift.abs(self)))
    }
  }

  /// The function in double precision.
  package func applying(_ function: Binary, _ other: Double) -> Double {
    switch function {
    case .add: self + other
    case .subtract: self - other
    case .multiply: self * other
    case .divide: self / other
    case .maximum: self < other ? other : self
    case .less: self < other ? 1 : 0
    case .lessOrEqual: self <= other ? 1 : 0
    case .equal: self == other ? 1 : 0
    case .power: pow(self, other)
    }
  }
}
