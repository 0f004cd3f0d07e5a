import CKernels

extension Emitter {
  /// Emits an instruction that has a kernel of its own.
  mutating func emitInstruction(_ buffer: Buffer) throws {
    let instruction = listing[buffer]
    switch instruction.operation {
    case .transpose, .slice, .pad, .concatenate, .blocks: try emitMovement(buffer)
    case .gather, .scatter, .byteRows: try emitRows(buffer)
    case .draw, .angle: try emitDraw(buffer)
    case .argmax(let axis): try emitScan(fk_run_argmax, axis, buffer)
    case .cumulativeSum(let axis, let isReversed):
      try emitScan(fk_run_cumulative_sum, axis, isReversed: isReversed, buffer)
    case .special(let function): try emitSpecial(function, buffer)
    case .input, .variable, .constant, .literal, .unary, .binary, .select, .reshape, .broadcast,
      .sum, .maximum, .matmul, .convolution, .convolutionInput, .convolutionFilter, .stop:
      throw TensorError("internal error: \(instruction.operation.label) has no kernel of its own")
    }
  }

  func copy(
    _ sizes: [Int], from: UnsafeMutableRawPointer, _ fromStrides: [Int],
    to: UnsafeMutableRawPointer, _ toStrides: [Int], type: fk_type = FK_FP32, pieces: Int = 1
  ) throws -> fk_copy {
    // Axes that are neighbours on both sides merge, and axes of length one drop out.
    var axes: [(size: Int, from: Int, to: Int)] = []
    for i in sizes.indices where sizes[i] > 1 {
      if let last = axes.last, last.from == fromStrides[i] * sizes[i],
        last.to == toStrides[i] * sizes[i]
      {
        axes[axes.count - 1] = (last.size * sizes[i], fromStrides[i], toStrides[i])
      } else {
        axes.append((sizes[i], fromStrides[i], toStrides[i]))
      }
    }
    if axes.isEmpty { axes = [(1, 1, 1)] }
    guard axes.count <= Int(FK_MAX_RANK) else {
      throw TensorError("a copy over \(axes.count) axes: at most \(FK_MAX_RANK) are supported")
    }
    return fk_copy(
      type: type, rank: Int32(axes.count), sizes: packed(axes.map(\.size)),
      from_strides: packed(axes.map(\.from)),
      to_strides: packed(axes.map(\.to)), from: from, to: to,
      pieces: Int32(Swift.max(1, Swift.min(pieces, axes[0].size))))
  }

  private func pieces(_ count: Int) -> Int { Swift.min(16, Swift.max(1, count / 16_384)) }

  /// Pieces of work that takes about a microsecond per number.
  private func slowPieces(_ count: Int) -> Int { Swift.min(16, Swift.max(1, count / 64)) }

  // MARK: Movement

  private mutating func emitMovement(_ buffer: Buffer) throws {
    let instruction = listing[buffer]
    let strides = instruction.shape.strides
    let (to, type) = (try address(buffer), type(buffer))
    let size = type == FK_BF16 ? 2 : 4
    let sources = try instruction.inputs.map { input in
      (address: try address(listing.buffer(of: input)), shape: listing[input].shape)
    }
    func offset(_ start: [Int], _ strides: [Int]) -> Int {
      size * zip(start, strides).map(*).reduce(0, +)
    }
    /// Copies elements of the first input, `first` bytes into it, to the whole result.
    func taken(from first: Int, _ fromStrides: [Int]) throws -> fk_copy {
      try copy(
        instruction.shape, from: sources[0].address + first, fromStrides, to: to, strides,
        type: type, pieces: pieces(instruction.count))
    }
    /// Copies a whole input to the block that begins at `start`.
    func placed(_ input: Int, at start: [Int]) throws -> fk_copy {
      let (from, shape) = sources[input]
      return try copy(
        shape, from: from, shape.strides, to: to + offset(start, strides), strides, type: type,
        pieces: pieces(instruction.count))
    }
    var copies: [fk_copy] = []
    let inputStrides = sources[0].shape.strides
    if case .transpose(let axes) = instruction.operation {
      copies = [try taken(from: 0, axes.map { inputStrides[$0] })]
    } else if case .slice(let starts) = instruction.operation {
      copies = [try taken(from: offset(starts, inputStrides), inputStrides)]
    } else if case .pad(let before) = instruction.operation {
      let fill = fk_fill(
        type: type, to: to, count: Int64(instruction.count), value: 0,
        pieces: Int32(pieces(instruction.count)))
      append(fk_run_fill, fill, pieces: fill.pieces)
      copies = [try placed(0, at: before)]
    } else if case .concatenate(let axis) = instruction.operation {
      var start = [Int](repeating: 0, count: strides.count)
      for input in sources.indices {
        copies.append(try placed(input, at: start))
        start[axis] += sources[input].shape[axis]
      }
    } else if case .blocks(let starts) = instruction.operation {
      copies = try sources.indices.map { try placed($0, at: starts[$0]) }
    }
    for copy in copies { append(fk_run_copy, copy, pieces: copy.pieces) }
  }

  // MARK: Rows of tables

  private mutating func emitRows(_ buffer: Buffer) throws {
    let instruction = listing[buffer]
    let sources = listing.operands(buffer)
    let shapes = instruction.inputs.map { listing[$0].shape }
    if case .byteRows(let table) = instruction.operation {
      let width = table.rowShape.product
      let parts = Int32(rowPieces(instruction.count, width))
      append(
        fk_run_gather_bytes,
        fk_gather_bytes(
          table: table.address, rows: try floats(sources[0]), to: try floats(buffer),
          table_rows: Int64(table.rows), row_count: Int64(instruction.count / width),
          width: Int64(width), pieces: parts), pieces: parts)
      // The table, and with it this address, lives as long as the program.
      allocations.onRelease { withExtendedLifetime(table) {} }
    } else if case .gather = instruction.operation {
      let width = shapes[0].dropFirst().reduce(1, *)
      let parts = Int32(rowPieces(instruction.count, width))
      append(
        fk_run_gather,
        fk_gather(
          table: try floats(sources[0]), rows: try floats(sources[1]), to: try floats(buffer),
          table_rows: Int64(shapes[0][0]), row_count: Int64(instruction.count / width),
          width: Int64(width), pieces: parts), pieces: parts)
    } else if case .scatter = instruction.operation {
      let table = instruction.shape
      let parts = Int32(Swift.min(pieces(count(sources[0])), table[0]))
      append(
        fk_run_scatter,
        fk_scatter(
          values: try floats(sources[0]), rows: try floats(sources[1]), table: try floats(buffer),
          table_rows: Int64(table[0]), row_count: Int64(count(sources[1])),
          width: Int64(table.dropFirst().reduce(1, *)), pieces: parts), pieces: parts)
    }
  }

  private func rowPieces(_ count: Int, _ width: Int) -> Int {
    Swift.min(pieces(count), Swift.max(1, count / width))
  }

  // MARK: Draws and special functions

  private mutating func emitDraw(_ buffer: Buffer) throws {
    let instruction = listing[buffer]
    let sources = listing.operands(buffer)
    if case .draw(let distribution, _) = instruction.operation {
      let rows = sources.isEmpty ? 1 : instruction.shape[0]
      let parts = pieces(instruction.count)
      let draw = fk_draw(
        distribution: distribution == .normal ? FK_NORMAL : FK_UNIFORM, out: try floats(buffer),
        keys: try sources.first.map { UnsafePointer(try floats($0)) }, rows: Int64(rows),
        width: Int64(instruction.count / rows), seed: surroundings.seed, site: instruction.site,
        run: UnsafePointer(surroundings.run),
        pieces: Int32(sources.isEmpty ? parts : Swift.min(parts, rows)))
      append(fk_run_draw, draw, pieces: draw.pieces)
    } else if case .angle(let dimension, _) = instruction.operation {
      let rows = sources.count == 1 ? 1 : instruction.shape[0]
      let draw = fk_draw_angle(
        dimension: Int64(dimension), concentration: try floats(sources[0]),
        keys: try sources.dropFirst().first.map { UnsafePointer(try floats($0)) },
        out: try floats(buffer), rows: Int64(rows), width: Int64(instruction.count / rows),
        seed: surroundings.seed, site: instruction.site, run: UnsafePointer(surroundings.run),
        pieces: Int32(slowPieces(instruction.count)))
      append(fk_run_draw_angle, draw, pieces: draw.pieces)
    }
  }

  private mutating func emitScan(
    _ kernel: @escaping @convention(c) (UnsafeRawPointer, Int32, Int32) -> Void, _ axis: Int,
    isReversed: Bool = false, _ buffer: Buffer
  ) throws {
    let source = listing.operands(buffer)[0]
    let shape = listing[listing[buffer].inputs[0]].shape
    let (outer, inner) = (shape[..<axis].reduce(1, *), shape[(axis + 1)...].reduce(1, *))
    let scan = fk_scan(
      from: try floats(source), to: try floats(buffer), outer: Int64(outer),
      length: Int64(shape[axis]), inner: Int64(inner), is_reversed: isReversed ? 1 : 0,
      pieces: Int32(Swift.min(pieces(count(source)), outer)))
    append(kernel, scan, pieces: scan.pieces)
  }

  private mutating func emitSpecial(_ function: Special, _ buffer: Buffer) throws {
    let sources = listing.operands(buffer)
    let parts = Int32(slowPieces(count(buffer)))
    append(
      fk_run_special,
      fk_special(
        function: function.kernel, parameter: function.parameter, a: try floats(sources[0]),
        b: try sources.dropFirst().first.map { UnsafePointer(try floats($0)) },
        out: try floats(buffer), count: Int64(count(buffer)), pieces: parts), pieces: parts)
  }
}
