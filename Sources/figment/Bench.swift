import ArgumentParser
import Reporting
import Support
import TensorCore
import Training

struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure a workload on this machine.",
    discussion: """
      The workloads match the comparison with PyTorch and JAX: same network, batch and \
      loss, with the program that train or sample would run. Where MNIST is missing, random bytes \
      take its place.
      """)

  @Argument(help: "Workload to measure.")
  var workload: Workload

  @Option(help: "Number format of storage and matrix products.")
  var precision = Precision.fp32

  @Option(help: ArgumentHelp("Number of steps to measure, after the first.", valueName: "n"))
  var steps: Int?

  @Flag(help: "Print the time of each kernel.")
  var profile = false

  @Flag(help: "Print one JSON object.")
  var json = false

  @OptionGroup var computing: Computing
  @OptionGroup var dataFolder: DataFolder

  mutating func validate() throws {
    if let steps, !(1...1_000_000).contains(steps) {
      throw ValidationError("--steps: expected 1 to 1000000, found \(steps)")
    }
    if profile && json {
      throw ValidationError("--profile: cannot be combined with --json; drop one of the two")
    }
  }

  func run() throws {
    #if DEBUG
      throw FigmentError(
        "bench: this is a debug build, whose times mean nothing; run swift run -c release figment bench \(workload.rawValue)"
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
