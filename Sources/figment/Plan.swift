import ArgumentParser
import TensorCore
import Training

struct Plan: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints the compiled training step: kernels, implementations, bytes and memory.")

  @Argument(help: ArgumentHelp("The experiment.", valueName: "experiment.yaml"))
  var experiment: String

  @Option(
    name: .customLong("set"), help: ArgumentHelp("Changes a setting. May be repeated.", valueName: "key=value"))
  var overrides: [String] = []

  @OptionGroup var computing: Computing

  func run() throws {
    let settings = try Experiment(contentsOf: experiment, overrides: overrides)
    let data = try TrainingData(settings.data, directory: computing.dataDirectory)
    let runtime = try Runtime(seed: settings.seed, threads: computing.threads ?? Runtime.processors)
    let training = try TrainingProgram(settings, data, runtime)
    for (i, kernel) in training.program.kernels.enumerated() {
      print("\(i)  \(kernel.implementation)  \(kernel.label)  \(kernel.bytes) bytes  \(kernel.path)")
    }
    let kernels = training.program.kernels
    print("kernels \(kernels.count)")
    print("parameters \(training.parameters.count)")
    print("contractions \(decimals(kernels.reduce(0) { $0 + $1.flops } / 1e9, 3)) GFLOP a step")
    print("bytes \(kernels.reduce(0) { $0 + $1.bytes }) read and written a step, each array of a kernel once")
    print("arena \(training.program.arenaBytes) bytes")
  }
}
