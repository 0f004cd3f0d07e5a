import ArgumentParser
import Reporting
import Support
import TensorCore
import Training

struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures a workload on this machine.",
    discussion: """
      The workloads are those of the comparison with PyTorch and JAX: same network, batch and \
      loss, with the program that train or sample would run. Where MNIST is missing, random bytes \
      take its place.
      """)

  @Argument(help: "What to measure.")
  var workload: Workload

  @Option(help: "How numbers are stored and multiplied.")
  var precision = Precision.fp32

  @Option(help: ArgumentHelp("Steps to measure, after the first.", valueName: "n"))
  var steps: Int?

  @Flag(help: "Prints the time of each kernel.")
  var profile = false

  @Flag(help: "Prints one JSON object.")
  var json = false

  @OptionGroup var computing: Computing
  @OptionGroup var dataFolder: DataFolder

  mutating func validate() throws {
    if let steps, !(1...1_000_000).contains(steps) {
      throw ValidationError("--steps is from 1 to 1000000, not \(steps)")
    }
    if profile && json { throw ValidationError("--profile and --json exclude each other") }
  }

  func run() throws {
    #if DEBUG
      throw FigmentError(
        "bench measures release builds only: swift run -c release figment bench \(workload.rawValue)"
      )
    #else
      let result = try measure(
        workload, precision: precision, threads: computing.threads, steps: steps, profile: profile,
        dataDirectory: dataFolder.path)
      if json {
        print(result.json)
      } else {
        for line in result.lines { print(line) }
      }
    #endif
  }
}

extension Workload: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}
