import CKernels

/// The machine form of a program: steps with resolved addresses, and the memory they own.
struct Executable {
  /// Steps that bring variables into the library's formats, each to run when its variable has changed.
  var preparation: [(variable: Variable, step: fk_step)] = []
  /// Steps of a run, kernels of a group as one.
  var steps: [fk_step] = []
  /// The same, each kernel by itself, and the kernel that each step belongs to: for profiles.
  var separateSteps: [fk_step] = []
  var kernelOfStep: [Int] = []
  var descriptions: [KernelDescription] = []
  var inputs: [String: (address: UnsafeMutablePointer<Float>, count: Int)] = [:]
  var outputs: [(address: UnsafeMutablePointer<Float>, count: Int)] = []
  var plan = MemoryPlan()
  /// The address of each buffer while it lives.
  var addresses: [Buffer: UnsafeMutableRawPointer] = [:]
  /// Owner of all memory outside of the arena and the variables.
  var allocations = Allocations()
}

extension Executable: Checkable {
  /// A step without work, or a buffer without an address.
  var mistake: String? {
    if let odd = separateSteps.firstIndex(where: { $0.pieces < 1 }) {
      return "step \(odd) of kernel \(kernelOfStep[odd]) has no pieces"
    }
    if let lost = plan.offsets.keys.first(where: { addresses[$0] == nil }) {
      return "\(lost) has no address"
    }
    if Set(kernelOfStep).count > descriptions.count { return "a kernel has no description" }
    return nil
  }
}
