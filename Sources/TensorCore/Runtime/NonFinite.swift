import CKernels

/// The place where a run first went wrong: an operation whose operands are finite and whose result is not.
public struct NonFinite: Sendable, CustomStringConvertible {
  /// The operation, as listings print it: `convolution stride 1 padding 1`, `variable unet/in/filter`.
  public let operation: String
  /// The path of its layer, also in the gradient of that layer; empty outside of any layer.
  public let path: String
  /// The shape of the result.
  public let shape: [Int]
  /// The index of the first element that is not finite.
  public let element: [Int]
  /// The value of that element: NaN, or an infinity.
  public let value: Float
  /// Number of elements that are not finite.
  public let count: Int
  /// The least and the greatest element of each operand.
  public let operands: [ClosedRange<Float>]

  /// All of it on one line.
  public var description: String {
    let place = path.isEmpty ? "outside of any layer" : "in \(path)"
    let all = shape.product
    let found = shape.isEmpty ? "" : ", \(count) of \(all) elements of \(shape), first \(element)"
    let ranges = operands.map { "\($0.lowerBound) to \($0.upperBound)" }.joined(separator: ", ")
    return "\(value) of \(operation), \(place)\(found)"
      + (ranges.isEmpty ? "" : "; its operands are finite: \(ranges)")
  }
}

/// A summary of the elements of an array.
private struct Contents {
  var first: (index: Int, value: Float)?
  var count = 0
  var least = Float.infinity
  var greatest = -Float.infinity

  init(count: Int, at element: (Int) -> Float) {
    for i in 0..<count {
      let value = element(i)
      if value.isFinite {
        (least, greatest) = (Swift.min(least, value), Swift.max(greatest, value))
      } else {
        self.count += 1
        first = first ?? (i, value)
      }
    }
  }
}

extension Program {
  /// Copies the inputs of another program that has the same ones.
  package func takeInputs(of other: Program) {
    for (name, input) in executable.inputs {
      guard let source = other.executable.inputs[name], source.count == input.count else {
        continue
      }
      input.address.update(from: source.address, count: input.count)
    }
  }

  /// Runs with the draws of run number `run`, kernel by kernel, and finds the first operation that made `outputs`
  /// not finite; nil where they are finite.
  ///
  /// The program has to be compiled without fusion, so that every operation can be looked at. Infinities that
  /// reach no output, as behind a `select`, are passed over.
  package func firstNonFinite(behind outputs: [Tensor], at run: UInt64) throws -> NonFinite? {
    let listing = schedule.listing
    var known: [Buffer: Contents] = [:]
    func look(_ buffer: Buffer) {
      let count = listing[buffer].count
      guard let address = executable.addresses[buffer] else { return }
      if schedule.halves.contains(buffer) {
        let halves = address.assumingMemoryBound(to: UInt16.self)
        known[buffer] = Contents(count: count) { Float(bitPattern: UInt32(halves[$0]) << 16) }
      } else {
        let floats = address.assumingMemoryBound(to: Float.self)
        known[buffer] = Contents(count: count) { floats[$0] }
      }
    }
    for buffer in listing.buffers where listing[buffer].operation.sourceLabel != nil {
      look(buffer)
    }
    let kernels = schedule.kernels
    runByKernel(at: run) { kernel in
      if kernel < kernels.count { kernels[KernelIndex(kernel)].writes.forEach(look) }
    }

    /// The operands of an instruction that are not finite.
    func wrong(_ buffer: Buffer) -> [Buffer] {
      listing.operands(buffer).flatMap { input -> [Buffer] in
        if case .constant = listing[input].operation { return [] }
        guard let contents = known[input] else { return wrong(input) }
        return contents.count > 0 ? [input] : []
      }
    }
    var pending = try outputs.map {
      listing.buffer(of: listing.outputs[try index(ofOutput: $0)])
    }.filter { known[$0].map { $0.count > 0 } ?? false }
    var seen = Set(pending)
    var origins: [Buffer] = []
    while let buffer = pending.popLast() {
      let causes = wrong(buffer)
      if causes.isEmpty { origins.append(buffer) }
      pending += causes.filter { seen.insert($0).inserted }
    }
    guard let origin = origins.min(), let contents = known[origin], let first = contents.first
    else { return nil }
    let instruction = listing[origin]
    var (rest, element) = (first.index, [Int]())
    for length in instruction.shape.reversed() {
      element.insert(rest % length, at: 0)
      rest /= length
    }
    return NonFinite(
      operation: instruction.operation.label, path: instruction.path, shape: instruction.shape,
      element: element, value: first.value, count: contents.count,
      operands: listing.operands(origin).compactMap { known[$0] }
        .filter { $0.least <= $0.greatest }.map { $0.least...$0.greatest })
  }
}
