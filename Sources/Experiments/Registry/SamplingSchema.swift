import Configuration

extension SamplingSettings {
  private static let diffusion = Schema<Self>.Condition(
    ModelKinds.clause { $0.scheduleTimes != nil }
  ) {
    $0.times != nil
  }
  private static let times = Schema<Self>.Limit("model.times", \.times)

  static let schema = Schema<Self>([
    .word(
      "method", \.way.method,
      "Sampler: ddim with eta, or that of Ho et al. with either variance."
    ).when(diffusion).known(as: "sampler"),
    .optionalInt(
      "steps", \.way.steps, in: 1...100_000, upTo: times,
      "Number of sampler steps; null for all times of the schedule."
    ).when(diffusion).known(as: "samplingSteps", "numInferenceSteps", "ddimSteps"),
    .number("eta", \.way.eta, in: 0...1, "Fraction of fresh noise in a step of ddim.")
      .when(diffusion).known(as: "ddimEta"),
    .int(
      "count", \.count, default: .computed("2000 for points, 64 for images") { $0.count },
      in: 1...100_000,
      "Number of samples in samples.png."
    ).known(as: "numSamples", "nSamples", "sampleSize"),
    .int(
      "previewCount", \.previewCount,
      default: .computed("2000 for points, 16 for images") { $0.previewCount }, in: 1...10_000,
      "Number of samples in sample grids during training."),
    .int(
      "previewSteps", \.way.previewSteps,
      default: .computed("25, or model.times if that is fewer") { $0.way.previewSteps },
      in: 1...100_000,
      upTo: times, "Number of sampler steps for sample grids during training."
    ).when(diffusion),
  ])
}
