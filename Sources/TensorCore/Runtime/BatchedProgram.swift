/// A program that computes rows independently of each other, run at one fixed batch for any number
/// of them.
///
/// A row is an element of the first axis: one example, one latent point or one seed. Requests are
/// answered a batch at a time, the last batch padded with copies of its last row. So the kernels,
/// and the order in which each sums, are the same however many rows are asked for.
///
/// The batch is a multiple of four because convolutions and batched products are cut along it into
/// at most four pieces, and oneDNN compiles one kernel per size of piece: equal pieces run the same
/// kernel, whose sums have the same order at every place. (Draws play no part in it: a row's are a
/// function of its own seed.)
///
/// With AVX-512 the bytes of a row are therefore the same wherever it stands. oneDNN restricted to
/// AVX2 multiplies matrices in tiles of six rows, and sums a last tile of one to three rows in
/// another order: there the last digits of a row may depend on its place, for example at batches
/// 8, 20 and 32. Another batch may change the last digits on any processor.
public struct BatchedProgram {
  /// The program, whose inputs and outputs have a first axis of `batch`, or of a multiple of it.
  public let program: Program
  /// Number of rows computed at once.
  public let batch: Int

  /// Values of an input, row by row.
  public enum Rows {
    /// Row-major values of an input.
    case values(Tensor, [Float])
    /// Seeds of an input made by `Tensor.seeds`.
    case seeds(Tensor, [UInt64])
  }

  /// The batch at which at least `rows` rows are computed at once: the next multiple of four.
  public static func batch(atLeast rows: Int) -> Int { (rows + 3) / 4 * 4 }

  /// Runs `program` at the batch `batch`, that of its inputs.
  public init(_ program: Program, batch: Int) { (self.program, self.batch) = (program, batch) }

  /// Ranges of at most `batch` rows that together are 0 ..< `count`.
  public func batches(of count: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: batch).map { $0..<Swift.min($0 + batch, count) }
  }

  /// Fills an input with the rows `range` of `rows`, the rest of the batch with copies of the last.
  ///
  /// - Throws: `TensorError` where the program does not read the input.
  public func fill(_ rows: Rows, _ range: Range<Int>) throws {
    switch rows {
    case .seeds(let input, let seeds): try program.fill(seeds: input, with: Array(seeds[range]))
    case .values(let input, let values):
      let width = input.count / batch
      let last = values[(range.upperBound - 1) * width..<range.upperBound * width]
      var filled = Array(values[range.lowerBound * width..<range.upperBound * width])
      for _ in range.count..<batch { filled += last }
      try program.fill(input, with: filled)
    }
  }

  /// The first `rows` rows of an output of the last run, row-major.
  ///
  /// - Throws: `TensorError` if `output` is not one of the program's.
  public func values(_ output: Tensor, rows: Int) throws -> [Float] {
    try program.read(output) { span in (0..<rows * span.count / batch).map { span[$0] } }
  }

  /// The rows of an output for those of the inputs, with the draws of run 0.
  ///
  /// - Throws: `TensorError` where the values of an input are not whole rows, the inputs have
  ///   different numbers of rows, or the program does not read one of them.
  public func values(_ output: Tensor, for inputs: [Rows]) throws -> [Float] {
    let counts = try inputs.map(count)
    guard let count = counts.first, counts.allSatisfy({ $0 == count }) else {
      throw TensorError(
        "the inputs of program \(program.name) have \(counts) rows; expected as many each")
    }
    var result: [Float] = []
    for range in batches(of: count) {
      for input in inputs { try fill(input, range) }
      program.run(at: 0)
      result += try values(output, rows: range.count)
    }
    return result
  }

  private func count(_ rows: Rows) throws -> Int {
    switch rows {
    case .seeds(_, let seeds): return seeds.count
    case .values(let input, let values):
      let width = input.count / batch
      guard values.count % width == 0 else {
        throw TensorError("\(values.count) numbers are not whole rows of \(width)")
      }
      return values.count / width
    }
  }
}

extension Program {
  /// The sum, in double precision, of the first `rows` numbers of an output of the last run.
  ///
  /// - Throws: `TensorError` if `output` is not one of the program's.
  package func sum(_ output: Tensor, rows: Int) throws -> Double {
    try read(output) { span in (0..<rows).reduce(0) { $0 + Double(span[$1]) } }
  }
}
