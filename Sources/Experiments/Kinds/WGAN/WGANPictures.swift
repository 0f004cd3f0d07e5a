import Domains
import Images
import TensorCore
import WGAN

/// Pictures of a generator and its critic: the critic over the plane, or interpolations between
/// noise vectors.
extension Drawing {
  /// File name of the critic over the plane.
  private static let critic = "critic.png"
  private static let interpolation = "interpolation.png"

  static func adversaryFiles(_ domain: Domain) -> [String] {
    [domain.shape.count == 1 ? critic : interpolation, finalSample]
  }

  func drawAdversary(_ run: Run, _ model: WassersteinGAN) throws {
    let samples = try run.sample(seeds: seeds(run.experiment.sampling.count))
    switch pictures.domain {
    case .points(let set): try write(try criticField(run, model, set, samples), to: Self.critic)
    case .images:
      try write(
        try pictures.sheet(try interpolations(run, model, rows: 8), columns: Self.pathLength),
        to: Self.interpolation)
    }
    try writeSamples(samples)
  }

  private static let pathLength = 11

  /// The critic's score and the norm of its gradient, in standardised coordinates as the critic
  /// sees them; data and samples are drawn over the score, samples over the norm.
  private func criticField(
    _ run: Run, _ model: WassersteinGAN, _ set: Plane, _ samples: [Float]
  ) throws -> Bitmap {
    let side = 160
    let range = -2.6...2.6
    let middles = Grid.middles(rows: side, columns: side, xRange: range, yRange: range)
    let field = try CriticField(model, run.runtime, count: middles.count)
    let values = try field(middles.flatMap { [Float($0.x), Float($0.y)] })
    func grid(_ values: [Float]) throws -> Grid {
      try Grid(values, rows: side, columns: side, xRange: range, yRange: range)
    }
    func within(_ points: [Float]) -> [Float] {
      stride(from: 0, to: min(points.count, 1000), by: 2).flatMap { i -> [Float] in
        points[i...i + 1].allSatisfy { range.contains(Double($0)) } ? Array(points[i...i + 1]) : []
      }
    }
    let data = try Series(
      "data", interleaved: within(set.standardisedPoints(seed: 0, count: 500)),
      color: Color(grey: 235))
    let drawn = try Series("samples", interleaved: within(samples), color: .orange)
    return try panels(
      [
        Panel(
          "score",
          try heatMap(
            Heat(try grid(values.score), label: "score"), points: [data, drawn], size: 560)),
        Panel(
          "length of its gradient",
          try heatMap(
            Heat(try grid(values.gradientNorm), label: "slope"), points: [drawn], size: 560)),
      ], columns: 2, title: "critic of \(set.name), standardised")
  }

  /// Rows of images, each of one class if there are classes: interpolations from one noise vector
  /// to another, rotating in even steps.
  private func interpolations(_ run: Run, _ model: WassersteinGAN, rows: Int) throws -> [Float] {
    let sampler = try GeneratorSampler(model, of: run)
    return try sampler.decode(
      (0..<rows).flatMap { row -> [Float] in
        var numbers = NormalPairs(seed: UInt64(row))
        let (a, b) = (
          (0..<model.latent).map { _ in numbers.next() },
          (0..<model.latent).map { _ in numbers.next() }
        )
        return (0..<Self.pathLength).flatMap { i -> [Float] in
          // A quarter turn keeps the norm typical of normal noise; a straight line does not.
          let angle = 0.5 * Double.pi * Double(i) / Double(Self.pathLength - 1)
          return zip(a, b).map { Float(angle.cosine * $0 + angle.sine * $1) }
        }
      },
      labels: model.classes.map { classes in
        (0..<rows * Self.pathLength).map { $0 / Self.pathLength % classes }
      })
  }
}
