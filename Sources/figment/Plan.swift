import ArgumentParser
import Domains
import Experiments
import Support
import TensorCore
import Training

extension Pipeline.Stage: ExpressibleByArgument {}

struct Plan: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print the compiled training step: kernels, implementations, bytes and memory.",
    discussion: """
      Bytes are those a kernel reads and writes, counting each buffer once; operations count only \
      matrix products and convolutions.
      """)

  @Argument(help: ArgumentHelp("Experiment file.", valueName: "experiment.yaml"))
  var experiment: String

  @Option(
    help: ArgumentHelp(
      "Print a stage of the compiler instead: "
        + Pipeline.Stage.allCases.map(\.rawValue).joined(separator: ", ") + ".",
      valueName: "name"))
  var stage: Pipeline.Stage?

  @Flag(help: "Print the algebraic rules that were used instead, with the layers where.")
  var rules = false

  @OptionGroup var overrides: Overrides
  @OptionGroup var computing: Computing
  @OptionGroup var dataFolder: DataFolder

  func validate() throws {
    if rules, stage != nil { throw ValidationError("--stage and --rules: give one of them") }
  }

  func run() throws {
    let settings = try Experiment(contentsOf: experiment, overrides: overrides.assignments)
    let data = try TrainingData(standingInFor: settings.data, directory: dataFolder.path)
    let runtime = try Runtime(seed: settings.seed, threads: computing.threads)
    let training = try TrainingProgram(settings, data, runtime)
    for (program, runs) in training.programs {
      if training.programs.count > 1 {
        print("program \(program.name), \(runs == 1 ? "once" : "\(runs) times") per step")
      }
      if let stage {
        print(program.text(of: stage))
      } else if rules {
        printRules(program)
      } else {
        printKernels(program)
      }
    }
    if stage == nil, !rules { printTotals(training, data, runtime) }
  }

  private func printRules(_ program: Program) {
    for rule in AlgebraicRule.allCases {
      let uses = program.pipeline.ruleUses.filter { $0.rule == rule }
      print("\(rule.rawValue): \(uses.count) times")
      let layers = Dictionary(grouping: uses, by: \.path).mapValues(\.count)
      for (layer, count) in layers.sorted(by: { $0.key < $1.key }) {
        print("  \(count) in \(layer.isEmpty ? "the loss and the optimizer" : layer)")
      }
    }
  }

  private func printTotals(_ training: TrainingProgram, _ data: TrainingData, _ runtime: Runtime) {
    let kernels = training.programs.flatMap { entry in
      (0..<entry.runs).flatMap { _ in entry.program.kernels }
    }
    let variables = training.variableNames.reduce(0) {
      $0 + 4 * (runtime.shape(ofVariable: $1) ?? []).reduce(1, *)
    }
    let arena = training.programs.map(\.program.arenaBytes).max() ?? 0
    let traffic = kernels.reduce(0) { $0 + $1.bytes }
    let totals = [
      ["kernels", "\(kernels.count)", "per step"],
      ["parameters", "\(training.parameters.count)", "numbers"],
      ["operations", fixed(training.flops / 1e6, 3), "MFLOP per step"],
      ["traffic", "\(traffic)", "bytes per step"],
      ["arena", "\(arena)", "bytes: results within a step"],
      ["variables", "\(variables)", "bytes: parameters, averages, optimizer state"],
      ["data", "\(data.byteCount)", "bytes"],
      ["peak", "\(arena + variables + data.byteCount)", "bytes: arena, variables and data"],
    ]
    for line in table(totals, rightAligned: [1]) { print(line) }
  }

  private func printKernels(_ program: Program) {
    let header = ["", "implementation", "bytes", "MFLOP", "layer", "computes"]
    let rows = program.kernels.enumerated().map { index, kernel in
      [
        "\(index)", kernel.implementation, "\(kernel.bytes)",
        kernel.flops > 0 ? fixed(kernel.flops / 1e6, 3) : "-",
        kernel.path.isEmpty ? "-" : kernel.path, kernel.label,
      ]
    }
    for line in table([header] + rows, rightAligned: [0, 2, 3]) { print(line) }
    print("")
    for line in program.summary.lines { print(line) }
    print("")
  }
}
