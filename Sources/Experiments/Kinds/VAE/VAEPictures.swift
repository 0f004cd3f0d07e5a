import Datasets
import Domains
import Images
import Support
import TensorCore
import VAE

/// Pictures of a variational autoencoder: reconstructions and the latent space.
extension Drawing {
  private static let reconstructions = "reconstructions.png"
  private static let interpolation = "interpolation.png"
  /// File name of the plane, or the sphere, of the latent variables.
  private static let latentPlane = "latent.png"
  /// File name of the scatter plot of examples in latent space.
  private static let latentScatter = "latent-scatter.png"

  static func latentFiles(_ model: VariationalAutoencoder) -> [String] {
    let isOfImages = model.shape.count == 3
    return [reconstructions] + (isOfImages ? [interpolation] : [])
      + (isOfImages && model.latent.map != nil ? [latentPlane] : [])
      + (model.latent.coordinates > 1 ? [latentScatter] : []) + [finalSample]
  }

  func drawLatent(_ run: Run, _ model: VariationalAutoencoder, _ data: TrainingData) throws {
    let sampler = try LatentSampler(model, of: run)
    let examples = try data.examples(2000, as: run.experiment)
    let centres = try sampler.encode(examples)
    let width = pictures.domain.shape.product
    let count = examples.count / width
    if model.latent.coordinates > 1 {
      try write(
        try latentScatter(centres, model.latent, labels: data.labels(count)),
        to: Self.latentScatter)
    }
    switch pictures.domain {
    case .images:
      let shown = min(32, count)
      let decoded = try sampler.decode(Array(centres.prefix(shown * model.latent.coordinates)))
      try write(
        try pictures.pairs(Array(examples.prefix(shown * width)), decoded),
        to: Self.reconstructions)
      try write(
        try pictures.sheet(
          try interpolations(run, model, examples, rows: max(1, min(8, count / 2))),
          columns: Self.pathLength + 2),
        to: Self.interpolation)
      if let map = model.latent.map {
        try write(
          try pictures.sheet(try sampler.decode(map.points), columns: map.columns),
          to: Self.latentPlane)
      }
    case .points(let set):
      let decoded = try sampler.decode(centres)
      try write(
        try scatter(
          [
            try Series(
              "data", interleaved: set.coordinates(ofStandardised: examples),
              color: Color(grey: 150)),
            try Series(
              "reconstructed", interleaved: set.coordinates(ofStandardised: decoded), color: .orange
            ),
          ], labels: Labels(title: "\(set.name): data and their reconstructions")),
        to: Self.reconstructions)
    }
    try writeSamples(try run.sample(seeds: seeds(run.experiment.sampling.count)))
  }

  private static let pathLength = 9

  /// Rows of images: an example, the path from it to another, and that other.
  private func interpolations(
    _ run: Run, _ model: VariationalAutoencoder, _ examples: [Float], rows: Int
  ) throws -> [Float] {
    let width = pictures.domain.shape.product
    return try (0..<rows).flatMap { row -> [Float] in
      // With one example only, the path leads from it to itself.
      let (start, end) = (2 * row * width, (2 * row + 1) * width % examples.count)
      let first = Array(examples[start..<start + width])
      let last = Array(examples[end..<end + width])
      return try first
        + model.interpolate(from: first, to: last, count: Self.pathLength, run) + last
    }
  }

  /// Scatter plot of the posterior centres of examples, coloured by label if there are labels.
  private func latentScatter(
    _ centres: [Float], _ latent: Latent, labels: (of: [UInt8], classes: ImageClasses)?
  ) throws -> Bitmap {
    let plane = latent.plane(of: centres)
    let count = plane.points.count
    let groups = labels.map { labels in Dictionary(grouping: 0..<count) { labels.of[$0] } }
    let series =
      groups.map { groups in
        groups.keys.sorted().map { label in
          Series(
            labels?.classes.name(Int(label)) ?? "", (groups[label] ?? []).map { plane.points[$0] },
            color: [8: Color(grey: 60), 9: Color(150, 150, 20)][label])
        }
      } ?? [Series(counted(count, "example"), plane.points)]
    return try scatter(
      series, labels: Labels(title: "centres of q(z|x)", x: plane.axes.x, y: plane.axes.y))
  }
}

extension TrainingData {
  /// The classes of the first `count` examples, or nil if they have none.
  fileprivate func labels(_ count: Int) -> (of: [UInt8], classes: ImageClasses)? {
    guard case .images(_, let labels?) = self else { return nil }
    return (Array(labels.bytes.prefix(count)), labels)
  }
}
