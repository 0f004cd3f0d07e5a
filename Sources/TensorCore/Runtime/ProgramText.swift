extension Program {
  /// A stage of the program's compilation, one instruction, kernel or buffer per line.
  package func text(of stage: Pipeline.Stage) -> String {
    switch stage {
    case .listing: pipeline.listing.description
    case .simplified: pipeline.simplified.description
    case .kernels: pipeline.kernels.description
    case .schedule: pipeline.schedule.description
    case .memory: executable.plan.description(of: pipeline.schedule)
    case .executable:
      zip(executable.separateSteps, executable.kernelOfStep).map { step, kernel in
        "kernel \(kernel): \(step.pieces) pieces, \(executable.descriptions[kernel].implementation)"
      }.joined(separator: "\n")
    }
  }
}
