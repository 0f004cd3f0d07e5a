import ArgumentParser
import TensorCore
import Training

struct Plan: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints the compiled training step: kernels, implementations, bytes and memory.",
    discussion: """
      Bytes are those that a kernel reads and writes, each array once; operations are counted in \
      matrix products and convolutions only.
      """)

  @Argument(help: ArgumentHelp("The experiment.", valueName: "experiment.yaml"))
  var experiment: String

  @OptionGroup var overrides: Overrides
  @OptionGroup var computing: Computing
  @OptionGroup var dataFolder: DataFolder

  func run() throws {
    let settings = try Experiment(contentsOf: experiment, overrides: overrides.assignments)
    let data = try TrainingData(standingInFor: settings.data, directory: dataFolder.path)
    let runtime = try Runtime(seed: settings.seed, threads: computing.threads)
    let training = try TrainingProgram(settings, data, runtime)
    let kernels = training.program.kernels

    let header = ["", "implementation", "bytes", "MFLOP", "layer", "computes"]
    let rows = kernels.enumerated().map { index, kernel in
      [
        "\(index)", kernel.implementation, "\(kernel.bytes)",
        kernel.flops > 0 ? fixed(kernel.flops / 1e6, 3) : "-",
        kernel.path.isEmpty ? "-" : kernel.path, kernel.label,
      ]
    }
    for line in table([header] + rows, rightAligned: [0, 2, 3]) { print(line) }
    print("")
    for line in training.program.summary.lines { print(line) }
    print("")

    let variables = training.program.variableNames.reduce(0) {
      $0 + 4 * (runtime.shape(ofVariable: $1) ?? []).reduce(1, *)
    }
    let arena = training.program.arenaBytes
    let traffic = kernels.reduce(0) { $0 + $1.bytes }
    let flops = kernels.reduce(0) { $0 + $1.flops }
    let totals = [
      ["kernels", "\(kernels.count)", "a step"],
      ["parameters", "\(training.parameters.count)", "numbers"],
      ["operations", fixed(flops / 1e6, 3), "MFLOP a step"],
      ["traffic", "\(traffic)", "bytes a step"],
      ["arena", "\(arena)", "bytes: results within a step"],
      ["variables", "\(variables)", "bytes: parameters, averages, state of the optimizer"],
      ["data", "\(data.byteCount)", "bytes"],
      ["peak", "\(arena + variables + data.byteCount)", "bytes: arena, variables and data"],
    ]
    for line in table(totals, rightAligned: [1]) { print(line) }
  }
}
