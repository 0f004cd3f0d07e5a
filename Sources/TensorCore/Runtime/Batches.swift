extension Program {
  /// The rows of `output` for as many rows of `input` as there are, a batch at a time, the last one padded with zeros.
  ///
  /// - Throws: `TensorError` unless they are whole rows.
  package func values(_ output: Tensor, inBatchesOf input: Tensor, _ values: [Float]) throws
    -> [Float]
  {
    let batch = input.shape[0]
    let (from, to) = (input.count / batch, output.count / batch)
    guard values.count % from == 0 else {
      throw TensorError("\(values.count) numbers are not whole rows of \(from)")
    }
    var result: [Float] = []
    for first in stride(from: 0, to: values.count, by: batch * from) {
      let rows = values[first..<min(first + batch * from, values.count)]
      try fill(input, with: rows + [Float](repeating: 0, count: batch * from - rows.count))
      run(at: 0)
      result += try self.values(output).prefix(rows.count / from * to)
    }
    return result
  }

  /// The rows of `output` for seeds of draws, a batch at a time.
  package func values(_ output: Tensor, inBatchesOf keys: Tensor, _ seeds: [UInt64]) throws
    -> [Float]
  {
    let batch = keys.shape[0]
    var result: [Float] = []
    for first in stride(from: 0, to: seeds.count, by: batch) {
      let rows = seeds[first..<min(first + batch, seeds.count)]
      try fill(seeds: keys, with: Array(rows))
      run(at: 0)
      result += try values(output).prefix(rows.count * output.count / batch)
    }
    return result
  }
}
