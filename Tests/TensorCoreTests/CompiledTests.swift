import TensorCore
import Testing

/// Compiled programs compute what the reference does, to the rounding that `roundingBounds`
/// derives.
@Suite(.serialized) struct CompiledTests {
  @Test(arguments: Precision.ofThisProcessor, 0..<30) func randomGraphs(
    precision: Precision, block: Int
  ) throws {
    let runtime = try Runtime(seed: 9, threads: 2)
    for seed in block * 10..<block * 10 + 10 {
      let graph = RandomGraph(seed: seed)
      try expectAgreement(
        runtime, "graph \(seed) in \(precision)", graph.outputs, graph.updates, graph.inputs,
        precision)
      if seed % 5 == 0 {
        try expectAgreement(
          runtime, "unfused graph \(seed) in \(precision)", graph.outputs, graph.updates,
          graph.inputs, precision, isFusing: false)
      }
    }
  }
}

/// Runs a program twice, each time against the reference, which starts from the variables' values
/// in Float.
func expectAgreement(
  _ runtime: Runtime, _ name: String, _ outputs: [Tensor], _ updates: [Update],
  _ inputs: [(tensor: Tensor, values: [Double])],
  _ precision: Precision = .fp32, isFusing: Bool = true,
  _ location: SourceLocation = #_sourceLocation
) throws {
  let runtime = try Runtime(seed: runtime.seed, threads: runtime.threads)
  let values = outputs + updates.map(\.value)
  let everything = values + roundingBounds(values, precision)
  let plain = try Listing(name, outputs: everything, updates: [])
  let simple = simplify(try Listing(name, outputs: values, updates: []))
  let program =
    isFusing
    ? try runtime.compile(name, outputs, updates: updates, precision: precision)
    : try runtime.compile(
      name, outputs, updates: updates, options: .init(precision: precision, isFusing: false))
  for (x, numbers) in inputs where program.reads(x) {
    try program.fill(x, with: numbers.map { Float($0) })
  }
  var contents: [String: [Double]] = [:]
  for (x, numbers) in inputs {
    if case .input(let input) = x.node.operation { contents[input] = numbers }
  }

  for run in 0..<2 {
    var reference = Reference(seed: runtime.seed)
    reference.run = UInt64(run)
    for variable in runtime.variableNames {
      reference.variables[variable] = try runtime.read(variable: variable) { span in
        (0..<span.count).map { Double(span[$0]) }
      }
    }
    let expected = try reference.evaluate(plain, contents)
    // Each pass keeps the value; a division by a constant is a product afterwards, so not to the
    // last bit.
    for (i, value) in try reference.evaluate(simple, contents).enumerated() {
      #expect(
        zip(value, expected[i]).allSatisfy { abs($0 - $1) <= 1e-11 * max(1, abs($1)) },
        "\(name), after simplify, value \(i)", sourceLocation: location)
    }
    program.run()
    let got =
      try outputs.map { try program.values($0) }
      + updates.map { try runtime.values(of: $0.variable) }
    for i in got.indices {
      let (exact, bound) = (expected[i], expected[values.count + i])
      let wrong = got[i].indices.filter { !(abs(Double(got[i][$0]) - exact[$0]) <= bound[$0]) }
      if let first = wrong.first {
        Issue.record(
          "\(name), run \(run), value \(i) of \(outputs.count) outputs and \(updates.count) updates, \(wrong.count) of \(exact.count) elements: \(got[i][first]) at \(first), not \(exact[first]) ± \(bound[first])",
          sourceLocation: location)
        return
      }
    }
  }
}
