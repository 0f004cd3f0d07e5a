import TensorCore
import TestSupport
import Testing

/// The stages of the compiler: the checkers between them, the text of each, the rules that were used.
@Suite struct PipelineTests {
  /// A step of a small model: draws, a contraction with an epilogue, a reduction, an update in place.
  static func pipeline(_ options: Pipeline.Options = .init()) throws -> Pipeline {
    let x = Tensor.input("x", [8, 4])
    let w = Variable("w", initially: .normal([4, 6], "initial"))
    let b = Variable("b", initially: .zeros([6]))
    let y = tanh(x.matmul(w.value) + b.value) + Tensor.normal([8, 6])
    let loss = y.squared().mean()
    let slope = gradients(of: loss, withRespectTo: [w.value])[0]
    return try Pipeline("p", [loss], [Update(w, w.value - 0.1 * slope)], options)
  }

  // MARK: Checkers

  /// A stage with a planted mistake, and the checker's words for it.
  struct Mistake: Sendable, CustomTestStringConvertible {
    let expected: String
    let plant: @Sendable (Pipeline) throws -> any Checkable
    var testDescription: String { expected }

    init(_ expected: String, _ plant: @escaping @Sendable (Pipeline) throws -> any Checkable) {
      (self.expected, self.plant) = (expected, plant)
    }
  }

  static let mistakes: [Mistake] = [
    Mistake("gives [8, 7]") {
      var listing = $0.simplified
      for i in listing.instructions.indices where listing[i].shape == [8, 6] {
        listing.instructions[i].shape = [8, 7]
      }
      return listing
    },
    Mistake("w is updated with another shape") {
      var listing = $0.simplified
      listing.updates[0].value = listing.outputs[0]
      return listing
    },
    Mistake("two kernels write") {
      var kernels = $0.kernels
      kernels.kernels.append(kernels.kernels[KernelIndex(0)])
      return kernels
    },
    Mistake("which one reads") {
      var kernels = $0.kernels
      let made = try #require(kernels.kernels.firstIndex { !$0.writes.isEmpty })
      kernels.kernels[made].writes = []
      return kernels
    },
    Mistake("which its kernel does not") {
      var kernels = $0.kernels
      let cluster = try #require(
        kernels.kernels.firstIndex { if case .clusters = $0.body { true } else { false } })
      kernels.kernels[cluster].reads = []
      return kernels
    },
    Mistake("in a circle") {
      var kernels = $0.kernels
      let (first, last) = (KernelIndex(0), KernelIndex(kernels.kernels.count - 1))
      kernels.kernels[first].reads += kernels.kernels[last].writes
      kernels.kernels[last].reads += kernels.kernels[first].writes
      return kernels
    },
    Mistake("16 bits and is no result within a run") {
      var kernels = $0.kernels
      kernels.halves.formUnion(kernels.listing.liveOutBuffers)
      return kernels
    },
    Mistake("before it is made") {
      var schedule = $0.schedule
      schedule.kernels = Table(schedule.kernels.reversed())
      schedule.groups = schedule.groups.reversed()
      return schedule
    },
    Mistake("of which there are") {
      var schedule = $0.schedule
      schedule.groups.removeLast()
      return schedule
    },
    Mistake("reads w after") {
      var schedule = $0.schedule
      let kernel = try #require(schedule.kernels.first { !$0.writes.isEmpty })
      schedule.inPlace[kernel.writes[0]] = Variable("w", initially: .zeros([4, 6]))
      return schedule
    },
    Mistake("overlap") {
      let workspaces = Table<KernelListing.Kernel, Int>(repeating: 0, for: $0.schedule.kernels)
      var plan = planMemory($0.schedule, workspaces: workspaces)
      for buffer in plan.offsets.keys { plan.offsets[buffer] = 0 }
      return PlannedSchedule(schedule: $0.schedule, workspaces: workspaces, plan: plan)
    },
    Mistake("has no place") {
      let workspaces = Table<KernelListing.Kernel, Int>(repeating: 0, for: $0.schedule.kernels)
      var plan = planMemory($0.schedule, workspaces: workspaces)
      plan.offsets = [:]
      return PlannedSchedule(schedule: $0.schedule, workspaces: workspaces, plan: plan)
    },
    Mistake("beyond the arena") {
      let workspaces = Table<KernelListing.Kernel, Int>(repeating: 64, for: $0.schedule.kernels)
      var plan = planMemory($0.schedule, workspaces: workspaces)
      plan.byteCount = 0
      return PlannedSchedule(schedule: $0.schedule, workspaces: workspaces, plan: plan)
    },
  ]

  @Test(arguments: mistakes) func checkersFindPlantedMistakes(_ mistake: Mistake) throws {
    let stage = try mistake.plant(try Self.pipeline())
    let found = try #require(stage.mistake)
    #expect(found.contains(mistake.expected), "\(found)")
    let error = #expect(throws: TensorError.self) { try rethrow(stage) }
    #expect(error?.description.hasPrefix("internal error after here: ") == true)
  }

  private func rethrow(_ stage: some Checkable) throws { _ = try checked("here", stage) }

  // MARK: Text

  @Test(arguments: Pipeline.Stage.allCases, Precision.ofThisProcessor)
  func everyStagePrints(stage: Pipeline.Stage, precision: Precision) throws {
    let x = Tensor.input("x", [8, 4])
    let w = Variable("w", initially: .normal([4, 6], "initial"))
    let y = softmax(x.matmul(w.value))
    let program = try Runtime(seed: 0, threads: 1).compile(
      "p", [y], updates: [Update(w, 0.9 * w.value)], precision: precision)
    let text = program.text(of: stage)
    let expected =
      switch stage {
      case .listing, .simplified: ["%0 = input x() [8, 4]", "matmul", "w <- %"]
      case .kernels: ["matmul; reads %0", "stores", "computes"]
      case .schedule: ["group 0, kernel 0", "exp(", "in place of w"]
      case .memory: ["bytes"]
      case .executable: ["kernel 0: 1 pieces"]
      }
    for part in expected { #expect(text.contains(part), "\(text)") }
  }

  // MARK: Rules

  struct Use: Sendable {
    let rule: AlgebraicRule
    let outputs: @Sendable () -> [Tensor]
  }

  static let x = Tensor.input("x", [4, 6])
  static let (u, v) = (Tensor.input("u", [6]), Tensor.input("v", [6]))

  static let uses: [Use] = [
    Use(rule: .computeBeforeRepeating) { [exp(u.broadcast(to: [4, 6]))] },
    Use(rule: .factorCommonTerm) { [x * u + x * v] },
    Use(rule: .expandMean) { [(x - x.mean(0, keep: true)) * u + v] },
    Use(rule: .dropDeviations) { [(x - x.mean(0, keep: true)).sum(0)] },
    Use(rule: .hoistThroughSum) { [(x * u).sum(0)] },
    Use(rule: .reuseSoftmax) {
      let p = softmax(x)
      return [p, gradients(of: (Tensor.input("g", [4, 6]) * p).sum(), withRespectTo: [x])[0]]
    },
  ]

  @Test(arguments: uses.indices) func eachRuleIsUsedWhereItHelps(index: Int) throws {
    let use = Self.uses[index]
    let rules = try Pipeline("p", use.outputs()).ruleUses.map(\.rule)
    #expect(rules.contains(use.rule), "\(use.rule)")
    #expect(Set(Self.uses.map(\.rule)) == Set(AlgebraicRule.allCases))
  }

  @Test func noRuleIsUsedWhereItDoesNotHelp() throws {
    let row = Tensor.input("row", [4, 1])
    // The sum of u and row is as large as x; x and its product are read by nothing else.
    for y in [Self.x * Self.u + Self.x * row, Self.x * Self.u + Self.v, tanh(Self.x).sum(0)] {
      #expect(try Pipeline("p", [y]).ruleUses.map(\.rule).isEmpty)
    }
  }

  // MARK: Cache sizes

  /// Sizes decide blocks and groups of kernels, and no result in fp32.
  @Test(arguments: 0..<40) func resultsDoNotDependOnCacheSizes(seed: Int) throws {
    let graph = RandomGraph(seed: seed)
    let sizes = [
      CacheSizes.standard,
      CacheSizes(phaseBytes: 0, blockBytes: 0, lightContractionBytes: 0, lightKernelBytes: 0),
      CacheSizes(
        phaseBytes: 1 << 30, blockBytes: 1 << 30, lightContractionBytes: 1 << 30,
        lightKernelBytes: 1 << 30),
    ]
    let results = try sizes.map { caches in
      try Runtime(seed: 3, threads: 2).compile(
        "p", graph.outputs, updates: graph.updates, options: .init(caches: caches)
      ).outputs(graph.outputs, graph.inputs).map { $0.map { Float($0).bitPattern } }
    }
    #expect(results[1] == results[0] && results[2] == results[0], "graph \(seed)")
  }

  /// Norms: the sums of two large examples are long enough to be split among threads, those of eight are not.
  @Test(arguments: [(2, false), (8, true)])
  func longSumsDoNotDependOnCacheSizes(examples: Int, hasPhases: Bool) throws {
    let x = Tensor.input("x", [examples, 128, 128, 8])
    let y = groupNorm(8, groups: 2, Parameters("norm"))(x)
    var numbers = SplitMix64(seed: 1)
    let values = numbers.values(x.count)
    let results = try [1 << 30, 0].map { bytes in
      var caches = CacheSizes.standard
      caches.phaseBytes = bytes
      let program = try Runtime(seed: 0, threads: 2).compile(
        "p", [y], options: .init(caches: caches))
      return (try program.outputs([y], [(x, values)])[0], program.kernels.count)
    }
    #expect(results[0].0 == results[1].0)
    #expect(!hasPhases || results[0].1 < results[1].1)
  }
}
