// Comparisons give 1 where they hold and 0 elsewhere, also where either side is NaN. None has a gradient.

extension Tensor {
  /// 1 where x is greater than y, else 0.
  public static func > (x: Tensor, y: Tensor) -> Tensor { y < x }
  /// 1 where x is at most y, else 0.
  public static func <= (x: Tensor, y: Tensor) -> Tensor { binary(.lessOrEqual, x, y) }
  /// 1 where x is at least y, else 0.
  public static func >= (x: Tensor, y: Tensor) -> Tensor { y <= x }
}

/// 1 where x and y are equal, else 0.
public func equal(_ x: Tensor, _ y: Tensor) -> Tensor { .binary(.equal, x, y) }

/// 1 where x and y differ, else 0; NaN differs from everything.
public func notEqual(_ x: Tensor, _ y: Tensor) -> Tensor { 1 - equal(x, y) }

/// x to the power y, element by element; NaN where x is negative and y is no whole number.
///
/// Its derivative in x is 0 where y is 0, and its derivative in y is 0 where x is 0.
public func power(_ x: Tensor, _ y: Tensor) -> Tensor { .binary(.power, x, y) }
