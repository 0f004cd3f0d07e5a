import Configuration

extension SamplingSettings {
  private static let diffusion = Schema<Self>.Condition(
    ModelKinds.clause { !$0.samplers.isEmpty }
  ) {
    !$0.samplers.isEmpty
  }
  private static let ddim = Schema<Self>.Condition(
    ModelKinds.clause { $0.samplers.contains(.ddim) }
  ) {
    $0.samplers.contains(.ddim)
  }
  private static let times = Schema<Self>.Limit("model.times", \.times)

  static let schema = Schema<Self>([
    .word(
      "method", \.way.method,
      default: .computed("ddim; euler for flow-matching") { $0.way.method },
      "Sampler: ddim with eta, that of Ho et al. with either variance, or of second order: heun or dpm-solver."
    ).when(diffusion).known(as: "sampler").rule("method") { settings, error in
      if let failure = settings.failure(of: settings.way.method) { throw error(failure) }
    },
    .optionalInt(
      "steps", \.way.chosenSteps, in: 1...100_000, upTo: times,
      "Number of sampler steps; null for all times of the schedule, or 50 without one."
    ).when(diffusion).known(as: "samplingSteps", "numInferenceSteps", "ddimSteps"),
    .number("eta", \.way.eta, in: 0...1, "Fraction of fresh noise in a step of ddim.")
      .when(ddim).known(as: "ddimEta"),
    .optionalNumber(
      "guidance", \.way.guidance, in: 0...100,
      "Factor of classifier-free guidance towards the class: 1 is the model itself; null for none."
    ).when(diffusion).known(as: "guidanceScale", "cfgScale", "cfg")
      .written { $0.way.guidance != nil },
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

extension SamplingSettings {
  /// Reason why a sampler does not fit the model, or nil if it does.
  package func failure(of method: Method) -> String? {
    samplers.contains(method)
      ? nil
      : "\(method.rawValue) does not fit the model; expected one of "
        + samplers.map(\.rawValue).joined(separator: ", ")
  }
}
