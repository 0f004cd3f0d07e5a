import CKernels

extension Emitter {
  /// The library's part of a kernel that is a contraction; nil for others.
  func makeContraction(_ kernel: KernelListing.Kernel) throws -> OpaquePointer? {
    guard case .contraction(let sum) = kernel.body else { return nil }
    let operation = listing[sum.position].operation
    guard let shape = contractionShape(sum) else {
      throw TensorError("internal error: \(operation.label) is no contraction")
    }
    var message = [CChar](repeating: 0, count: 256)
    let made = withUnsafePointer(to: shape) {
      fk_contraction_create($0, Int32(surroundings.threads), &message)
    }
    guard let made else {
      let text = String(
        decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      throw TensorError("\(operation.label): \(text)")
    }
    allocations.onRelease { fk_contraction_destroy(made) }
    return made
  }

  private func contractionShape(_ sum: Contraction) -> fk_contraction_shape? {
    let instruction = listing[sum.position]
    let operands = listing.operands(Buffer(position: sum.position))
    let x = instruction.inputs.map { listing[$0].shape }
    let y = instruction.shape
    var s = fk_contraction_shape()
    (s.left_type, s.right_type) = (type(operands[0]), type(operands[1]))
    s.out_type = type(sum.result)
    s.compute = schedule.precision == .bf16 ? FK_BF16 : FK_FP32
    s.has_bias = sum.bias == nil ? 0 : 1
    s.accumulates = sum.addend == nil ? 0 : 1
    if case .matmul(let l, let r) = instruction.operation {
      s.kind = FK_MATMUL
      s.setMatmul(x[0], y, transposedLeft: l, transposedRight: r)
    } else if case .convolution(let c) = instruction.operation {
      s.kind = FK_CONV
      s.setConvolution(c, image: x[0], filter: x[1], output: y)
    } else if case .convolutionInput(let c) = instruction.operation {
      s.kind = FK_CONV_INPUT
      s.setConvolution(c, image: y, filter: x[1], output: x[0])
    } else if case .convolutionFilter(let c) = instruction.operation {
      s.kind = FK_CONV_FILTER
      s.setConvolution(c, image: x[0], filter: y, output: x[1])
    } else {
      return nil
    }
    return s
  }

  mutating func emitContraction(
    _ contraction: OpaquePointer, _ sum: Contraction, _ workspace: UnsafeMutableRawPointer
  ) throws {
    let operands = listing.operands(Buffer(position: sum.position))
    let bytes = fk_contraction_prepared(contraction)
    let lasts = isVariable(operands[1])
    let prepared =
      lasts
      ? UnsafeMutableRawPointer(allocations.floats(bytes / 4))
      : workspace + fk_contraction_workspace(contraction)
    fk_contraction_bind(
      contraction, try address(operands[0]), try address(operands[1]), try address(sum.result),
      try sum.bias.map { try floats($0) }, prepared, workspace)
    let none = fk_step(run: { _, _, _ in }, arguments: UnsafeRawPointer(workspace), pieces: 0)
    var preparing = none
    if fk_contraction_preparation(contraction, &preparing) > 0 {
      if case .variable(let variable) = listing[operands[1]].operation {
        preparation.append((variable, preparing))
        preparedBytes += bytes + 4 * count(operands[1])
      } else {
        steps.append(preparing)
      }
    }
    var found = [fk_step](repeating: none, count: 8)
    var names = [UnsafePointer<CChar>](
      repeating: fk_contraction_implementation(contraction), count: 8)
    let count = fk_contraction_steps(contraction, &found, &names)
    steps += found.prefix(Int(count))
  }

  /// True if a buffer keeps its value from one run of a program to the next, unless an update changes it.
  private func isVariable(_ buffer: Buffer) -> Bool {
    if case .variable = listing[buffer].operation { true } else { false }
  }

  /// Bytes of workspace that a contraction needs while it runs.
  func workspace(_ contraction: OpaquePointer, _ sum: Contraction) -> Int {
    let right = listing.operands(Buffer(position: sum.position))[1]
    return fk_contraction_workspace(contraction)
      + (isVariable(right) ? 0 : fk_contraction_prepared(contraction))
  }
}

extension fk_contraction_shape {
  fileprivate mutating func setMatmul(
    _ left: [Int], _ result: [Int], transposedLeft: Bool, transposedRight: Bool
  ) {
    let rank = result.count
    batch = Int64(result.dropLast(2).reduce(1, *))
    (m, n) = (Int64(result[rank - 2]), Int64(result[rank - 1]))
    k = Int64(transposedLeft ? left[rank - 2] : left[rank - 1])
    (transposed_left, transposed_right) = (transposedLeft ? 1 : 0, transposedRight ? 1 : 0)
  }

  fileprivate mutating func setConvolution(
    _ c: Convolution, image: [Int], filter: [Int], output: [Int]
  ) {
    (images, height, width, channels) = (
      Int64(image[0]), Int64(image[1]), Int64(image[2]), Int64(image[3])
    )
    (filter_height, filter_width, out_channels) = (
      Int64(filter[0]), Int64(filter[1]), Int64(filter[3])
    )
    (out_height, out_width) = (Int64(output[1]), Int64(output[2]))
    (stride, padding_top, padding_left) = (Int32(c.stride), Int32(c.top), Int32(c.left))
  }
}
