import DDPM
import Datasets
import Images
import TensorCore

/// The pictures of a finished run, and where they go.
struct Drawing {
  let paths: RunPaths
  let pictures: Pictures
  /// What every picture carries.
  let text: PNG.Text

  func write(_ bitmap: Bitmap, to files: String...) throws {
    let bytes = try PNG.encode(bitmap, text: text)
    for file in files { try writeAtomically(bytes, to: file) }
  }

  func seeds(_ count: Int) -> [UInt64] { (0..<count).map { UInt64($0) } }
}

/// Of a diffusion model: samples on their way from noise.
extension Drawing {
  static func diffusionFiles(_ paths: RunPaths, _ domain: Domain) -> [String] {
    let hasPaths = domain.shape.count == 1
    return [paths.strip, paths.denoising] + (hasPaths ? [paths.trajectories] : [])
  }

  private var hasPaths: Bool { pictures.domain.shape.count == 1 }
  private func pathSteps(_ model: DDPM) -> Int { min(100, model.schedule.times) }

  /// The sampling steps that `drawDiffusion` takes.
  func diffusionSteps(_ run: Run, _ model: DDPM) -> Int {
    run.samplingSteps(count: run.experiment.sampling.count) + (hasPaths ? pathSteps(model) : 0)
  }

  /// - Parameter report: Given the number of steps done; what it throws ends the drawing.
  func drawDiffusion(_ run: Run, _ model: DDPM, report: @escaping (Int) throws -> Void) throws {
    let count = run.experiment.sampling.count
    let samplerSteps = run.samplingSteps(count: 1)
    let drawn = run.samplingSteps(count: count)
    let pathCount = hasPaths ? 200 : 0
    let width = pictures.domain.shape.product
    var strip = Stages(10, of: samplerSteps, keeping: width * min(count, pictures.stripCount))
    var film = Stages(40, of: samplerSteps, keeping: width * min(count, pictures.filmCount))
    let samples = try run.sample(seeds: seeds(count)) { done, current in
      try report(done)
      strip.observe(done, current)
      film.observe(done, current)
    }
    try write(try pictures.strip(strip.stages), to: paths.strip)
    try writeAtomically(
      try PNG.encode(animation: try pictures.film(film.stages), text: text), to: paths.denoising)
    if hasPaths {
      // Without fresh noise a path is a curve, and its end depends on its beginning alone.
      let pathSteps = pathSteps(model)
      var stages = Stages(pathSteps + 1, of: pathSteps, keeping: width * pathCount)
      _ = try run.sample(seeds: seeds(pathCount), method: .ddim(eta: 0), steps: pathSteps) {
        done, current in
        try report(drawn + done)
        stages.observe(done, current)
      }
      try write(try pictures.trajectories(stages.stages), to: paths.trajectories)
    }
    try write(try pictures.sheet(samples), to: paths.latestSample, paths.finalSample)
  }
}

/// The first batch at some of its steps from noise to samples, closer together late, where more
/// happens.
private struct Stages {
  private(set) var stages: [(done: Int, samples: [Float])] = []
  private var places: [Int]
  private let size: Int

  /// About `count` of the `steps`, and the first `size` numbers of each.
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
