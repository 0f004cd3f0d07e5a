import Datasets
import Images
import TensorCore
import VAE

/// Of a variational autoencoder: reconstructions, and the space of its latent variables.
extension Drawing {
  static func latentFiles(_ paths: RunPaths, _ model: VAE) -> [String] {
    let isOfImages = model.shape.count == 3
    return [paths.reconstructions] + (isOfImages ? [paths.interpolation] : [])
      + (isOfImages && model.latent.map != nil ? [paths.latentPlane] : [])
      + (model.latent.coordinates > 1 ? [paths.latentScatter] : [])
  }

  func drawLatent(_ run: Run, _ data: TrainingData) throws {
    let model = try run.autoencoder("this")
    let sampler = try run.latentSampler()
    let examples = try data.examples(2000, as: run.experiment)
    let centres = try sampler.encode(examples)
    let width = pictures.domain.shape.product
    let count = examples.count / width
    if model.latent.coordinates > 1 {
      try write(
        try latentScatter(centres, model.latent, labels: data.labels(count)),
        to: paths.latentScatter)
    }
    switch pictures.domain {
    case .images:
      let shown = min(32, count)
      let decoded = try sampler.decode(Array(centres.prefix(shown * model.latent.coordinates)))
      try write(
        try pictures.pairs(Array(examples.prefix(shown * width)), decoded),
        to: paths.reconstructions)
      try write(
        try pictures.sheet(
          try interpolations(run, examples, rows: max(1, min(8, count / 2))),
          columns: Self.pathLength + 2),
        to: paths.interpolation)
      if let map = model.latent.map {
        try write(
          try pictures.sheet(try sampler.decode(map.points), columns: map.columns),
          to: paths.latentPlane)
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
        to: paths.reconstructions)
    }
    let samples = try run.sample(seeds: seeds(run.experiment.sampling.count))
    try write(try pictures.sheet(samples), to: paths.latestSample, paths.finalSample)
  }

  private static let pathLength = 9

  /// Rows of images: an example, the way from it to another, and that other.
  private func interpolations(_ run: Run, _ examples: [Float], rows: Int) throws -> [Float] {
    let width = pictures.domain.shape.product
    return try (0..<rows).flatMap { row -> [Float] in
      // Of one example alone, the way is from it to itself.
      let (start, end) = (2 * row * width, (2 * row + 1) * width % examples.count)
      let first = Array(examples[start..<start + width])
      let last = Array(examples[end..<end + width])
      return try first
        + run.latentInterpolation(from: first, to: last, count: Self.pathLength) + last
    }
  }

  /// Where the posteriors of examples are centred, by label where there are labels.
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
  /// The classes of the first `count` examples, where they have classes.
  fileprivate func labels(_ count: Int) -> (of: [UInt8], classes: ImageClasses)? {
    guard case .images(_, let labels?) = self else { return nil }
    return (Array(labels.bytes.prefix(count)), labels)
  }
}

extension Latent {
  /// Points all over a space that a picture can show whole, in rows from the top, or nil.
  ///
  /// Of the plane, the square out to 2.5; of the sphere, longitude by latitude; the circle in one row.
  var map: (points: [Float], columns: Int)? {
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

  /// Two coordinates of points, [count, coordinates], to show them by: of the sphere in three dimensions
  /// longitude and latitude in degrees, of others the two that vary most.
  func plane(of points: [Float]) -> (points: [(x: Double, y: Double)], axes: (x: String, y: String))
  {
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

extension Pictures {
  /// A sheet of so many columns.
  func sheet(_ samples: [Float], columns: Int) throws -> Bitmap {
    try Images.sheet(of: try bitmaps(samples), columns: columns, scale: enlargement)
  }

  /// Each original above its reconstruction, in rows of 16.
  func pairs(_ originals: [Float], _ reconstructions: [Float]) throws -> Bitmap {
    let (above, below) = (try bitmaps(originals), try bitmaps(reconstructions))
    let columns = min(16, above.count)
    let ordered = stride(from: 0, to: above.count, by: columns).flatMap { first -> [Bitmap] in
      let row = first..<min(first + columns, above.count)
      return Array(above[row]) + Array(below[row])
    }
    return try Images.sheet(of: ordered, columns: columns, scale: enlargement)
  }
}

extension TrainingData {
  /// At most `count` examples as the model sees them, [count] + shape, on draws that are always the same.
  package func examples(_ count: Int, as experiment: Experiment) throws -> [Float] {
    var split = Split.validation
    if case .ownPoints(let points, _) = self, split.rows(of: points.count).isEmpty {
      split = .train
    }
    let input = try OrderedInput(self, experiment, split: split, batch: count, limit: count)
    let runtime = try Runtime(seed: 0, threads: 1)
    let y = input.examples + 0
    let program = try runtime.compile("examples", [y])
    var result: [Float] = []
    try input.forEachBatch(program) { rows in
      result += try program.values(y).prefix(rows * domain.shape.product)
    }
    return result
  }
}

extension Run {
  /// Images on the way between the posteriors' centres of two: [count] + shape.
  func latentInterpolation(from first: [Float], to last: [Float], count: Int) throws -> [Float] {
    let model = try autoencoder("this")
    let sampler = try latentSampler()
    let ends = try sampler.encode(first + last)
    let width = model.latent.coordinates
    return try sampler.decode(
      model.latent.path(
        from: Array(ends[..<width]), to: Array(ends[width...]), count: count))
  }
}

extension Latent {
  /// Points at equal distances on the shortest way between two, ends included: a line, or an arc of a great
  /// circle.
  package func path(from a: [Float], to b: [Float], count: Int) -> [Float] {
    let product = zip(a, b).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    let chord = zip(a, b).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
    // By half the angle, which is precise where the ends are close.
    let angle = 2 * chord.squareRoot().angle(above: max(0, 2 + 2 * product).squareRoot())
    return (0..<count).flatMap { i -> [Float] in
      // One alone lies in the middle.
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

extension Experiment {
  /// Validation data, where the model has a bound to watch and the data have such a part.
  ///
  /// - Throws: `DataError` where the experiment stops early and there are none.
  public func validation(directory: String) throws -> TrainingData? {
    guard model.hasBound else { return nil }
    do {
      let data = try TrainingData(data, directory: directory, split: .validation, note: { _ in })
      if patience == nil, case .ownPoints(let points, _) = data,
        Split.validation.rows(of: points.count).isEmpty
      {
        return nil
      }
      return data
    } catch let error as DataError {
      if patience != nil { throw DataError("\(error) (patience: null trains without)") }
      return nil
    }
  }
}
