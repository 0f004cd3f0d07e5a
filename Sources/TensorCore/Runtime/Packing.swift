import CKernels

/// Copies of variables in the library's formats, made again before a run if the variable has changed.
///
/// Running it allocates nothing.
final class Packing {
  private let variables: [Runtime.Storage]
  /// The version of each variable that is packed; nil before the first run.
  private var packed: [UInt64?]
  private let steps: [fk_step]
  /// The steps at hand and their first pieces, as one step that runs them side by side.
  private let stale: UnsafeMutablePointer<fk_step>
  private let first: UnsafeMutablePointer<Int32>
  private let group: UnsafeMutablePointer<fk_group>
  /// Number of variables packed so far, each as often as it was.
  private(set) var count = 0

  /// - Parameter steps: The step that packs a variable, and that variable's storage.
  init(_ steps: [(storage: Runtime.Storage, step: fk_step)]) {
    variables = steps.map(\.storage)
    packed = variables.map { _ in nil }
    self.steps = steps.map(\.step)
    stale = .allocate(capacity: steps.count)
    first = .allocate(capacity: steps.count + 1)
    group = .allocate(capacity: 1)
  }

  deinit {
    stale.deallocate()
    first.deallocate()
    group.deallocate()
  }

  /// Packs the variables that have changed since the last call.
  func run(_ pool: OpaquePointer) {
    var steps = 0
    var pieces: Int32 = 0
    for (i, variable) in variables.enumerated() where packed[i] != variable.version {
      packed[i] = variable.version
      (stale + steps).initialize(to: self.steps[i])
      (first + steps).initialize(to: pieces)
      pieces += self.steps[i].pieces
      steps += 1
    }
    guard steps > 0 else { return }
    (first + steps).initialize(to: pieces)
    count += steps
    group.initialize(
      to: fk_group(
        count: Int32(steps), steps: UnsafePointer(stale), first: UnsafePointer(first)))
    var step =
      steps == 1
      ? stale[0] : fk_step(run: fk_run_group, arguments: UnsafeRawPointer(group), pieces: pieces)
    fk_run(pool, &step, 1)
  }
}
