/// The compiler, from expressions to a schedule: the place to start reading.
///
/// A program passes through five stages, each a type of its own:
///
///     Listing        instructions in order, each a primitive               Listing/
///     KernelListing  kernels: passes over memory, with their operations    Kernels/
///     Schedule       the kernels in the order they run, tile programs      Schedule/
///     MemoryPlan     a place in the arena for every buffer                 Memory/
///     Executable     steps with resolved addresses                         Emission/
///
/// `passes` lists the functions that lead from one to the next. Each takes the value of a stage and gives the next or the
/// same; a checker runs after it, so that a pass that breaks a program is caught where it breaks it. The last two
/// stages need a runtime's memory and the library's kernels: `Emitter` makes them, and another backend would stand
/// in its place.
package struct Pipeline: Sendable {
  /// A stage that can be printed.
  package enum Stage: String, CaseIterable, Sendable {
    case listing, simplified, kernels, schedule, memory, executable
  }

  /// The choices that lead to another program with the same meaning.
  package struct Options: Sendable {
    package var precision: Precision
    /// Fuses kernels; otherwise every instruction is a kernel by itself that stores its result, so that the first
    /// one with a wrong result can be found.
    package var isFusing: Bool
    package var caches: CacheSizes

    package init(
      precision: Precision = .fp32, isFusing: Bool = true, caches: CacheSizes = .standard
    ) {
      (self.precision, self.isFusing, self.caches) = (precision, isFusing, caches)
    }
  }

  /// The program as its expressions say it.
  package let listing: Listing
  /// The same with less to compute.
  package let simplified: Listing
  /// The rules that made it so, in the order they were used.
  package let ruleUses: [RuleUse]
  package let kernels: KernelListing
  package let schedule: Schedule

  /// Compiles as far as no memory is needed.
  ///
  /// - Throws: `TensorError`, with the first mistake in the expressions, or with "internal error" where a checker
  ///   finds one of the compiler's own.
  package init(
    _ name: String, _ outputs: [Tensor], _ updates: [Update] = [], _ options: Options = .init()
  ) throws {
    listing = try checked("listing", Listing(name, outputs: outputs, updates: updates))
    var uses: [RuleUse] = []
    simplified = try checked("simplify", simplify(listing, recording: &uses))
    ruleUses = uses

    var kernels = try KernelListing(checked("anchor", simplified.anchored()))
    if options.isFusing {
      kernels = try checked("fuseEpilogues", fuseEpilogues(kernels))
      kernels = try checked("fuseClusters", fuseClusters(kernels))
      kernels = try checked("formPhases", formPhases(kernels, options.caches))
    }
    kernels = try checked("trim", kernels.trimmed())
    if options.precision == .bf16 {
      kernels = try checked("choosePrecision", choosePrecision(kernels))
    }
    self.kernels = kernels

    var schedule = try checked("order", order(kernels, options.caches))
    schedule.precision = options.precision
    if options.isFusing { schedule = try checked("gate", gate(schedule)) }
    self.schedule = try checked("lower", lower(schedule))
  }
}

/// A stage that can be checked for the properties that later stages rely on.
package protocol Checkable {
  /// The first mistake in one line, or nil.
  var mistake: String? { get }
}

/// The value that `pass` gave.
///
/// - Throws: `TensorError` with its first mistake.
package func checked<Value: Checkable>(_ pass: String, _ value: Value) throws -> Value {
  if let mistake = value.mistake {
    throw TensorError("internal error after \(pass): \(mistake)")
  }
  return value
}
