import TensorCore

extension Latent {
  /// Points on a grid over the latent space, in rows from the top, or nil if a picture cannot show
  /// the space.
  ///
  /// For the plane, the square from -2.5 to 2.5; for the sphere, longitude and latitude; for the
  /// circle, one row.
  public var map: (points: [Float], columns: Int)? {
    func turn(_ share: Double) -> Double { 2 * Double.pi * share }
    switch self {
    case .gaussian(2):
      let side = 20
      return (
        (0..<side * side).flatMap { place -> [Float] in
          let (row, column) = place.quotientAndRemainder(dividingBy: side)
          func at(_ i: Int) -> Float { 2.5 * (2 * (Float(i) + 0.5) / Float(side) - 1) }
          return [at(column), -at(row)]
        }, side
      )
    case .sphere(1, _):
      return (
        (0..<24).flatMap { i -> [Float] in
          let angle = turn(Double(i) / 24)
          return [Float(angle.cosine), Float(angle.sine)]
        }, 24
      )
    case .sphere(2, _):
      return (
        (0..<12 * 24).flatMap { place -> [Float] in
          let (row, column) = place.quotientAndRemainder(dividingBy: 24)
          let latitude = Double.pi * (0.5 - (Double(row) + 0.5) / 12)
          let longitude = turn((Double(column) + 0.5) / 24 - 0.5)
          return [
            Float(latitude.cosine * longitude.cosine), Float(latitude.cosine * longitude.sine),
            Float(latitude.sine),
          ]
        }, 24
      )
    default: return nil
    }
  }

  /// Two coordinates for plotting points, [count, coordinates]: longitude and latitude in degrees
  /// on the two-dimensional sphere, otherwise the two coordinates of largest variance.
  public func plane(of points: [Float]) -> (
    points: [(x: Double, y: Double)], axes: (x: String, y: String)
  ) {
    let width = coordinates
    let rows = stride(from: 0, to: points.count, by: width)
    if case .sphere(2, _) = self {
      let degrees = 180 / Double.pi
      return (
        rows.map { i in
          let (x, y, z) = (Double(points[i]), Double(points[i + 1]), Double(points[i + 2]))
          return (
            y.angle(above: x) * degrees, z.angle(above: (x * x + y * y).squareRoot()) * degrees
          )
        }, ("longitude, degrees", "latitude, degrees")
      )
    }
    let count = Double(points.count / width)
    let variances = (0..<width).map { axis in
      let values = rows.map { Double(points[$0 + axis]) }
      let mean = values.reduce(0, +) / count
      return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    }
    let most = (0..<width).sorted { (variances[$1], $0) < (variances[$0], $1) }.prefix(2).sorted()
    let (a, b) = (most[0], most[1])
    return (
      rows.map { (Double(points[$0 + a]), Double(points[$0 + b])) }, ("z\(a + 1)", "z\(b + 1)")
    )
  }
}

extension Latent {
  /// Equidistant points on the shortest path between two points, ends included: a line, or an arc
  /// of a great circle.
  public func path(from a: [Float], to b: [Float], count: Int) -> [Float] {
    let product = zip(a, b).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    let chord = zip(a, b).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
    // From half the angle, which is accurate even if the ends are close.
    let angle = 2 * chord.squareRoot().angle(above: max(0, 2 + 2 * product).squareRoot())
    return (0..<count).flatMap { i -> [Float] in
      // A single point is at the middle.
      let share = count == 1 ? 0.5 : Double(i) / Double(count - 1)
      var (first, last) = (1 - share, share)
      if case .sphere = self, angle > 1e-6, angle < .pi - 1e-6 {
        first = ((1 - share) * angle).sine / angle.sine
        last = (share * angle).sine / angle.sine
      }
      return zip(a, b).map { Float(first * Double($0) + last * Double($1)) }
    }
  }
}
