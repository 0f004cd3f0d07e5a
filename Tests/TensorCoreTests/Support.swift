import TensorCore

extension Precision {
  /// The precisions in which it multiplies.
  static var ofThisProcessor: [Precision] { allCases.filter { $0 == .fp32 || hasBF16 } }
}

extension Program {
  /// Runs once with these inputs and gives the outputs.
  func outputs(_ outputs: [Tensor], _ inputs: [(Tensor, [Double])] = []) throws -> [[Double]] {
    for (x, values) in inputs where reads(x) { try fill(x, with: values.map { Float($0) }) }
    run()
    return try outputs.map { try values($0).map { Double($0) } }
  }
}
