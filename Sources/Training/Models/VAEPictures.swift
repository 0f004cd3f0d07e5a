import Datasets
import Images
import TensorCore
import VAE

/// Of a variational autoencoder: reconstructions, and the space of its latent variables.
extension Drawing {
  static func latentFiles(_ paths: RunPaths, _ model: VAE, _ data: TrainingData) -> [String] {
    var files = [paths.reconstructions]
    if model.shape.count == 3 { files.append(paths.interpolation) }
    if model.shape.count == 3, model.latent.isPlane { files.append(paths.latentPlane) }
    return files
  }

  func drawLatent(_ run: Run, _ data: TrainingData) throws {
    let sampler = try run.latentSampler()
    let examples = try data.first(256, run.experiment)
    let centres = try sampler.encode(examples)
    let decoded = try sampler.decode(centres)
    let width = pictures.domain.shape.product
    switch pictures.domain {
    case .images:
      let count = min(32, examples.count / width)
      try write(
        try pictures.pairs(
          Array(examples.prefix(count * width)), Array(decoded.prefix(count * width))),
        to: paths.reconstructions)
    case .points(let set):
      try write(
        try scatter(
          [
            try Series(
              "data", interleaved: dataCoordinates(examples, set), color: Color(grey: 150)),
            try Series(
              "reconstructed", interleaved: dataCoordinates(decoded, set), color: .orange),
          ], labels: Labels(title: "\(set.name): data and their reconstructions")),
        to: paths.reconstructions)
    }
    let samples = try run.sample(seeds: seeds(run.experiment.sampling.count))
    try write(try pictures.sheet(samples), to: paths.latestSample, paths.finalSample)
  }
}

extension Latent {
  /// Whether the space can be shown whole in one picture.
  var isPlane: Bool { dimension == 2 }
}

extension Pictures {
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
  func first(_ count: Int, _ experiment: Experiment) throws -> [Float] {
    let input = try OrderedInput(
      validation: self, experiment, batch: count, limit: count)
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
  /// Points at equal distances on the shortest way between two, ends included.
  func path(from a: [Float], to b: [Float], count: Int) -> [Float] {
    (0..<count).flatMap { i -> [Float] in
      let share = Float(i) / Float(max(1, count - 1))
      return zip(a, b).map { $0 + share * ($1 - $0) }
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
      let data = try TrainingData(data, directory: directory, split: .validation)
      if patience == nil, case .ownPoints(let points, _) = data,
        Split.validation.rows(of: points.count).isEmpty
      {
        return nil
      }
      return data
    } catch let error as DataError {
      if patience != nil { throw error }
      return nil
    }
  }
}
