import Datasets
import TensorCore

/// What an experiment's `data:` names, in memory.
public enum TrainingData: Sendable {
  /// Points of a 2-D set, fresh at every step; models see them standardised.
  case points(ToySet)
  /// Images in rows of bytes; models see them in [-1, 1].
  case images(name: String, ByteTable)

  /// The names that `data:` may have.
  public static var names: [String] { ["mnist"] + ToySet.names }

  /// Loads a data set by its name.
  ///
  /// - Parameter directory: The folder of downloaded data sets, with one folder each.
  /// - Throws: `DataError` for an unknown name, or for files that are missing or not the original.
  public init(_ name: String, directory: String) throws {
    guard name == "mnist" else {
      guard TrainingData.names.contains(name) else {
        let hint = nearest(to: name, among: TrainingData.names).map { "; did you mean \(quoted($0))?" } ?? ""
        throw DataError(
          "data: unknown set \(quoted(name)); known: \(TrainingData.names.joined(separator: ", "))\(hint)")
      }
      self = .points(try ToySet.named(name))
      return
    }
    let images = try MNIST.load(from: directory + "/mnist").images(.train)
    self = .images(
      name: name, try ByteTable(images.pixels, rowShape: [images.height, images.width, 1]))
  }

  /// The shape of one example.
  public var shape: [Int] {
    switch self {
    case .points: [2]
    case .images(_, let table): table.rowShape
    }
  }
}

/// The examples of one step, as a program reads them.
struct BatchInput: Sendable {
  /// [batch] + shape, as models see examples.
  let examples: Tensor
  private let input: Tensor
  private let data: TrainingData
  private let seed: UInt64

  init(_ data: TrainingData, batch: Int, seed: UInt64) {
    (self.data, self.seed) = (data, seed)
    switch data {
    case .points:
      input = .input("points", [batch, 2])
      examples = input
    case .images(_, let table):
      input = .input("rows", [batch])
      examples = Tensor.rows(of: table, at: input) * (2.0 / 255) - 1
    }
  }

  /// Chooses the examples of a step, from 0: a pure function of the seed and the step.
  func fill(_ program: Program, step: Int) {
    switch data {
    case .points(let set):
      program.fill(input, with: set.points(seed: seed, step: step, count: input.shape[0], standardised: true))
    case .images(_, let table):
      let rows = Batches.rows(step: step, batch: input.shape[0], count: table.rows, seed: seed)
      program.fill(input, with: rows.map { Float($0) })
    }
  }
}
