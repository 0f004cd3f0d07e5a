import Datasets
import Domains
import Glibc
import Images
import NormalizingFlow
import TensorCore

/// Pictures of a normalizing flow: the learned density, and the latent points of the data.
extension Drawing {
  /// File name of the learned log density over the plane, next to that of the data if it is known.
  private static let density = "density.png"
  /// File name of the latent points of data, which should be standard normal.
  private static let latent = "latent.png"

  static let flowFiles = [density, latent, finalSample]

  func drawFlow(_ run: Run, _ flow: CouplingFlow, _ data: TrainingData) throws {
    guard case .points(let plane) = pictures.domain else { return }
    try write(try densityPicture(run, flow, plane), to: Self.density)
    try write(try latentPicture(run, flow, plane), to: Self.latent)
    try writeSamples(try run.sample(seeds: seeds(run.experiment.sampling.count)))
  }

  private func densityPicture(
    _ run: Run, _ flow: CouplingFlow, _ plane: Plane
  ) throws -> Bitmap {
    let density = try FlowDensity(flow, of: run)
    let learned = try plane.heat { points in
      try density(plane.standardised(points)).map { Double($0) + plane.logScale }
    }
    let exact = try plane.set.map { set in
      Panel(
        set.name,
        try heatMap(
          try plane.heat { points in points.map { set.logDensity($0.x, $0.y) } }, points: [],
          size: 560))
    }
    return try panels(
      (exact.map { [$0] } ?? []) + [Panel("learned", try heatMap(learned, points: [], size: 560))],
      columns: 2)
  }

  private func latentPicture(
    _ run: Run, _ flow: CouplingFlow, _ plane: Plane
  ) throws -> Bitmap {
    let points = plane.standardisedPoints(seed: 0, count: 2000)
    guard !points.isEmpty else {
      return try scatter([Series("data", [])], labels: Labels(title: "z = f(x)"))
    }
    let x = Tensor.input("examples", [points.count / 2, 2])
    let z = run.reading(flow.forward(x).z)
    let program = try run.runtime.compile("latent", [z])
    try program.fill(x, with: points)
    program.run(at: 0)
    let circle = (0...180).map { degree -> (Double, Double) in
      let angle = Double.pi * Double(degree) / 90
      return (2 * cos(angle), 2 * sin(angle))
    }
    return try scatter(
      [
        try Series("z = f(x) of data", interleaved: try program.values(z), color: .blue),
        Series("|z| = 2, which 86 % are to lie within", circle, color: .orange),
      ], labels: Labels(title: "data of \(plane.name) as noise"), xRange: -4...4,
      yRange: -4...4)
  }
}
