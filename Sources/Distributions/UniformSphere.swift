import CKernels
import Support

/// The uniform distribution on the unit sphere of R^d, the manifold of dimension d - 1.
///
/// Densities are with respect to the sphere's area, and in nats.
public struct UniformSphere: Equatable, Sendable {
  /// The dimensions d that are allowed here and for `VonMisesFisher`.
  public static let dimensions = 2...100_000

  /// d, the ambient dimension.
  public let dimension: Int

  /// The uniform distribution on the sphere of R^d.
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

  /// log(2 π^{d/2} / Γ(d/2)), the logarithm of the sphere's area; also the entropy.
  public var logArea: Double { fk_log_sphere_area(Double(dimension)) }

  /// The logarithm of the density, the same at every point.
  public var logDensity: Double { -logArea }

  /// A point: d numbers of length 1.
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
