import Datasets
import Diffusion
import Domains
import Images
import Support
import TensorCore

/// Pictures of a model that denoises: samples along the reverse process.
extension Drawing {
  /// File name of samples along the reverse process, in rows.
  private static let strip = "strip.png"
  /// File name of the same as an animation.
  private static let denoising = "denoising.png"
  /// File name of the paths of points from noise to data.
  private static let trajectories = "trajectories.png"

  static func denoisingFiles(_ domain: Domain) -> [String] {
    let hasPaths = domain.shape.count == 1
    return [strip, denoising] + (hasPaths ? [trajectories] : []) + [finalSample]
  }

  private static func pathSteps(_ model: DenoisingModel) -> Int {
    min(100, model.schedule.times)
  }

  /// Number of sampling steps that `drawDenoising` takes.
  static func denoisingSteps(_ run: Run, _ model: DenoisingModel) -> Int {
    run.samplingSteps(count: run.experiment.sampling.count)
      + (run.domain.shape.count == 1 ? pathSteps(model) : 0)
  }

  /// Draws the pictures.
  ///
  /// - Parameter report: Receives the number of steps done; an error it throws ends the drawing.
  func drawDenoising(_ run: Run, _ model: DenoisingModel, report: @escaping (Int) throws -> Void)
    throws
  {
    let count = run.experiment.sampling.count
    let sampling = try run.experiment.reverse()
    var drawing = self
    drawing.text += sampling.pictureText
    let samplerSteps = run.samplingSteps(count: 1)
    let drawn = run.samplingSteps(count: count)
    let hasPaths = pictures.domain.shape.count == 1
    let pathCount = hasPaths ? 200 : 0
    let width = pictures.domain.shape.product
    var strip = Stages(10, of: samplerSteps, keeping: width * min(count, pictures.stripCount))
    var film = Stages(40, of: samplerSteps, keeping: width * min(count, pictures.filmCount))
    let samples = try run.sample(seeds: seeds(count)) { done, current in
      try report(done)
      strip.observe(done, current)
      film.observe(done, current)
    }
    try drawing.write(try pictures.strip(strip.stages), to: Self.strip)
    try drawing.write(try pictures.film(film.stages), to: Self.denoising)
    if hasPaths {
      // Without fresh noise a path is a curve, and its end depends on its start only.
      let pathSteps = Self.pathSteps(model)
      var stages = Stages(pathSteps + 1, of: pathSteps, keeping: width * pathCount)
      _ = try run.sample(
        seeds: seeds(pathCount), SampleRequest(method: .ddim(eta: 0), steps: pathSteps)
      ) { done, current in
        try report(drawn + done)
        stages.observe(done, current)
      }
      var paths = self
      paths.text += sampling.alongCurves(inSteps: pathSteps).pictureText
      try paths.write(try pictures.trajectories(stages.stages), to: Self.trajectories)
    }
    try drawing.writeSamples(samples)
  }
}

/// The first batch at selected steps from noise to samples, denser towards the end, where more
/// changes.
private struct Stages {
  private(set) var stages: [(done: Int, samples: [Float])] = []
  private var places: [Int]
  private let size: Int

  /// Selects about `count` of the `steps`, and keeps the first `size` numbers of each.
  init(_ count: Int, of steps: Int, keeping size: Int) {
    self.size = size
    let last = count - 1
    let places = Set((0...last).map { steps - steps * (last - $0) * (last - $0) / (last * last) })
    self.places = places.sorted(by: >)
  }

  mutating func observe(_ done: Int, _ samples: [Float]) {
    guard done == places.last else { return }
    places.removeLast()
    stages.append((done, Array(samples.prefix(size))))
  }
}
