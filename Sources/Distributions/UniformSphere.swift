import CKernels
import Support

/// The uniform distribution on the unit sphere of R^d, the manifold of dimension d - 1.
///
/// Densities are with respect to the area of the sphere; logarithms are natural.
public struct UniformSphere: Equatable, Sendable {
  /// The valid dimensions d here and for `VonMisesFisher`.
  public static let dimensions = 2...100_000

  /// Ambient dimension d.
  public let dimension: Int

  /// Creates the uniform distribution on the unit sphere of R^d.
  ///
  /// - Throws: `FigmentError` unless `dimension` is in `dimensions`.
  public init(dimension: Int) throws {
    guard Self.dimensions.contains(dimension) else {
      throw FigmentError(
        "the ambient dimension of a sphere is \(dimension); expected "
          + "\(Self.dimensions.lowerBound) to \(Self.dimensions.upperBound)")
    }
    self.dimension = dimension
  }

  /// log(2 π^{d/2} / Γ(d/2)): logarithm of the sphere's area, and entropy of the distribution.
  public var logArea: Double { fk_log_sphere_area(Double(dimension)) }

  /// Logarithm of the density, which is constant.
  public var logDensity: Double { -logArea }

  /// Draws a point: d numbers of length 1.
  public func draw(using generator: inout some RandomNumberGenerator) -> [Double] {
    while true {
      let point = (0..<dimension).map { _ in generator.normal() }
      let length = norm(point)
      if length > 0 { return point.map { $0 / length } }
    }
  }
}

func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

func norm(_ a: [Double]) -> Double { dot(a, a).squareRoot() }
