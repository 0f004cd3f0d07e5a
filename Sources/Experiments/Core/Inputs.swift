import Datasets
import Domains
import Images
import Support
import TensorCore

/// Input of a training step: a batch of examples.
package struct BatchInput: Sendable {
  /// Examples as models see them, [batch] + shape.
  let examples: Tensor
  /// Class of each example, [batch], for a class-conditional model or a classifier.
  let labels: Tensor?
  private let input: Tensor
  private let data: TrainingData
  private let seed: UInt64
  /// A user's own training points, standardised.
  private let table: [Float]

  /// Makes the batches of an experiment.
  ///
  /// - Throws: `FigmentError` if the model needs classes that the data do not have.
  package init(_ data: TrainingData, _ experiment: Experiment) throws {
    let batch = experiment.batch
    let classes = experiment.model.classCount
    let data = try data.binarised(experiment.binarisation)
    (self.data, seed) = (data, experiment.seed)
    switch data {
    case .points:
      if let classes {
        throw FigmentError(
          "model.classes: \(classes), but points of a 2-D set have no classes; expected null"
        )
      }
      input = .input("points", [batch, 2])
      examples = input
      labels = nil
      table = []
    case .ownPoints(let points, let name):
      if let classes {
        throw FigmentError(
          "model.classes: \(classes), but \(name) has no classes; expected null"
        )
      }
      input = .input("points", [batch, 2])
      examples = input
      labels = nil
      table = points.standardised(.train)
    case .images(let table, let known):
      self.table = []
      let rows = Tensor.input("rows", [batch])
      input = rows
      examples = experiment.model.pixels(.rows(of: table, at: rows), experiment.binarisation)
      labels = try classes.map { classes in
        guard let known else {
          throw FigmentError(
            "model.classes: \(classes), but the data have no classes; expected "
              + (experiment.model.drawsSamples ? "null" : "labelled images"))
        }
        try checkLabels(known.bytes, classes: classes)
        return Tensor.rows(of: known.table, at: rows)
      }
    }
  }

  /// Fills the input with the examples of a step, counted from 0: a pure function of the seed and
  /// the step.
  package func fill(_ program: Program, step: Int) throws {
    // A stage may not read the data, such as that of a generator.
    guard program.reads(input) else { return }
    let batch = input.shape[0]
    switch data {
    case .points(let set):
      let points = set.points(seed: seed, step: step, count: batch, standardised: true)
      try program.fill(input, with: points)
    case .ownPoints:
      let rows = Batches.rows(step: step, batch: batch, count: table.count / 2, seed: seed)
      try program.fill(input, with: rows.flatMap { [table[2 * $0], table[2 * $0 + 1]] })
    case .images(let table, _):
      let rows = Batches.rows(step: step, batch: batch, count: table.rows, seed: seed)
      try program.fill(input, with: rows.map { Float($0) })
    }
  }
}

/// Input of examples in order, one batch at a time, with draws that depend on the row only, so that
/// metrics are comparable.
package struct OrderedInput: Sendable {
  /// Total number of examples.
  package let count: Int
  /// Examples as models see them, [batch] + shape.
  package let examples: Tensor
  /// Seed of each row of the batch.
  package let keys: Tensor
  private let batch: Int
  private let rows: Tensor?
  private let values: [Float]

  /// Makes an input of at most `limit` examples of `data`; for a user's own points, those of a
  /// split.
  ///
  /// - Throws: `FigmentError` if that split is empty.
  package init(
    _ data: TrainingData, _ experiment: Experiment, split: Split = .validation, batch: Int,
    limit: Int = 10_000
  ) throws {
    self.batch = batch
    keys = .seeds("keys", batch)
    switch try data.binarised(experiment.binarisation) {
    case .points(let set):
      // Training draws use steps below 16,000,000.
      values = set.points(
        seed: experiment.seed, step: 1 << 40, count: min(limit, 4096), standardised: true)
    case .ownPoints(let points, let name):
      values = Array(points.standardised(split).prefix(2 * limit))
      guard !values.isEmpty else {
        throw FigmentError(
          "\(name): \(counted(points.count, "point")) \(points.count == 1 ? "has" : "have") no \(split.rawValue) split; expected at least "
            + "\(Split.fewestRows)")
      }
    case .images(let table, _):
      let rows = Tensor.input("rows", [batch])
      (values, self.rows, count) = ([], rows, min(limit, table.rows))
      examples = experiment.model.pixels(
        .rows(of: table, at: rows), experiment.binarisation, keys: keys)
      return
    }
    (rows, count) = (nil, values.count / 2)
    examples = .input("points", [batch, 2])
  }

  /// Runs `program` over all examples; `body` receives the number of valid rows of each batch.
  package func forEachBatch(_ program: Program, _ body: (_ rows: Int) throws -> Void) throws {
    for first in stride(from: 0, to: count, by: batch) {
      let places = (first..<first + batch).map { min($0, count - 1) }
      if program.reads(keys) {
        try program.fill(seeds: keys, with: places.map { UInt64($0) })
      }
      if let rows {
        try program.fill(rows, with: places.map { Float($0) })
      } else {
        try program.fill(examples, with: places.flatMap { [values[2 * $0], values[2 * $0 + 1]] })
      }
      program.run(at: 0)
      try body(min(batch, count - first))
    }
  }
}

/// - Throws: `FigmentError` if a label is not below `classes`.
package func checkLabels(_ labels: some Sequence<UInt8>, classes: Int) throws {
  guard let last = labels.max(), Int(last) >= classes else { return }
  throw FigmentError(
    "model.classes: \(classes), but the data have class \(last); expected at least \(Int(last) + 1)"
  )
}

extension TrainingData {
  /// The first `count` examples as the model sees them, or all if there are fewer, [count] + shape;
  /// draws are always the same.
  package func examples(_ count: Int, as experiment: Experiment) throws -> [Float] {
    var split = Split.validation
    if case .ownPoints(let points, _) = self, split.rows(of: points.count).isEmpty {
      split = .train
    }
    let input = try OrderedInput(self, experiment, split: split, batch: count, limit: count)
    let runtime = try Runtime(seed: 0, threads: 1)
    let y = input.examples + 0
    let program = try runtime.compile("examples", [y])
    var result: [Float] = []
    try input.forEachBatch(program) { rows in
      result += try program.values(y).prefix(rows * domain.shape.product)
    }
    return result
  }
}
