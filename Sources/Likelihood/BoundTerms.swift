/// Draws of a bound that together are an unbiased estimate of it: pairs of a time and noise,
/// stratified in t, and an eighth as many of noise at t = 1.
struct DrawSet: Equatable, Sendable {
  /// The number of the first draw among those of all sets.
  let first: Int
  /// Number of pairs of a time and noise.
  let count: Int

  /// A set of `count` draws, numbered from `first`.
  init(_ count: Int, from first: Int = 0) { (self.first, self.count) = (first, count) }

  /// Number of draws at t = 1.
  var lastCount: Int { (count + 7) / 8 }
  /// Number of draws.
  var passes: Int { count + lastCount }

  /// Divides `draws` pairs among sets as evenly as possible; no draw is in two of them.
  static func division(of draws: Int, into sets: Int) -> [DrawSet] {
    var first = 0
    return (0..<sets).map { i in
      let set = DrawSet(draws * (i + 1) / sets - draws * i / sets, from: first)
      first += set.passes
      return set
    }
  }
}

/// The class under which a model scores examples.
enum Condition {
  /// None, for a model without classes.
  case none
  /// A class for each example.
  case classes([Float])
  /// The same class for every example.
  case oneClass(Int)
}

/// An example under one condition and set of draws.
struct Place {
  let set, condition, row: Int
}

/// Terms of the bounds of examples, in nats.
struct BoundTerms {
  /// L_T by example.
  let prior: [Double]
  /// The part of Σ L_t that does not depend on the network, by variance.
  let constants: [Double]
  /// The rest of Σ L_t, by set of draws, condition, variance and example.
  let middle: [[[[Double]]]]
  /// L_0, in the same order.
  let last: [[[[Double]]]]

  /// The bound of an example.
  func value(_ set: Int, _ condition: Int, _ variance: Int, _ row: Int) -> Double {
    -prior[row] - middle[set][condition][variance][row] - constants[variance]
      - last[set][condition][variance][row]
  }
}
