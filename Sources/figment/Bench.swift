import ArgumentParser
import TensorCore
import Training

struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures a workload on this machine.",
    discussion: "The workloads are those of the comparison with PyTorch and JAX: same network, batch and loss.")

  @Argument(help: "ddpm-mnist, ddpm-mnist-sample or ddpm-toy.")
  var workload: Workload

  @Option(help: "The data type: fp32.")
  var precision = "fp32"

  @Option(help: "Steps to measure, after the first.")
  var steps: Int?

  @Flag(help: "Prints the time of each kernel.")
  var profile = false

  @Flag(help: "Prints one JSON object.")
  var json = false

  @OptionGroup var computing: Computing

  mutating func validate() throws {
    #if DEBUG
      throw ValidationError("bench measures release builds only: swift run -c release figment bench ...")
    #else
      guard precision == "fp32" else {
        throw ValidationError("precision \(precision) is not supported; expected fp32")
      }
      if let steps, steps < 1 { throw ValidationError("--steps is at least 1, not \(steps)") }
    #endif
  }

  func run() throws {
    let result = try measure(
      workload, threads: computing.threads ?? Runtime.processors, steps: steps, profile: profile,
      dataDirectory: computing.dataDirectory)
    if json {
      print(result.json)
    } else {
      for line in result.lines { print(line) }
    }
  }
}

extension Workload: ExpressibleByArgument {}
