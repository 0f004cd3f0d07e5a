import Datasets
import TensorCore

/// What examples are, without the examples: all that drawing samples needs to know.
public enum Domain: Sendable {
  /// Points of a 2-D set; models see them standardised.
  case points(ToySet)
  /// Images; models see them in [-1, 1].
  case images(height: Int, width: Int, channels: Int)

  /// The names that `data:` may have in an experiment.
  public static var names: [String] { ["mnist"] + ToySet.names }

  /// What the examples of a data set are.
  ///
  /// - Throws: `DataError` for an unknown name.
  public init(_ name: String) throws {
    self =
      name == "mnist"
      ? .images(height: 28, width: 28, channels: 1) : .points(try ToySet.named(name))
  }

  /// The shape of one example.
  public var shape: [Int] {
    switch self {
    case .points: [2]
    case .images(let height, let width, let channels): [height, width, channels]
    }
  }
}

/// What an experiment's `data:` names, in memory.
public enum TrainingData: Sendable {
  /// Points of a 2-D set, fresh at every step.
  case points(ToySet)
  /// Images in rows of bytes, [height, width, channels] each, and the class of each where it is
  /// known.
  case images(ByteTable, labels: ByteTable?)

  /// Loads a data set by its name.
  ///
  /// - Parameter directory: The folder of downloaded data sets, with one folder each.
  /// - Throws: `DataError` for an unknown name, or for files that are missing or not the original.
  public init(_ name: String, directory: String) throws {
    switch try Domain(name) {
    case .points(let set): self = .points(set)
    case .images(let height, let width, let channels):
      let images = try MNIST.load(from: directory + "/mnist").images(.train)
      self = .images(
        try ByteTable(images.pixels, rowShape: [height, width, channels]),
        labels: try ByteTable(images.labels, rowShape: []))
    }
  }

  /// As `init(_:directory:)`, but random bytes where images are missing: the same work, for
  /// measurements and plans.
  public init(standingInFor name: String, directory: String) throws {
    guard case .images(let height, let width, let channels) = try Domain(name) else {
      try self.init(name, directory: directory)
      return
    }
    if let data = try? TrainingData(name, directory: directory) {
      self = data
      return
    }
    var state: UInt64 = 1
    let bytes = (0..<50_000 * height * width * channels).map { _ -> UInt8 in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 56)
    }
    self = .images(
      try ByteTable(bytes, rowShape: [height, width, channels]),
      labels: try ByteTable((0..<50_000).map { UInt8($0 % 10) }, rowShape: []))
  }

  /// What the examples are.
  public var domain: Domain {
    switch self {
    case .points(let set): .points(set)
    case .images(let table, _):
      .images(height: table.rowShape[0], width: table.rowShape[1], channels: table.rowShape[2])
    }
  }

  /// Bytes that the data take in memory.
  public var byteCount: Int {
    switch self {
    case .points: 0
    case .images(let table, _): table.bytes.count
    }
  }
}

/// The examples of one step, as a program reads them.
struct BatchInput: Sendable {
  /// [batch] + shape, as models see examples.
  let examples: Tensor
  /// The class of each, [batch], where the model is told.
  let labels: Tensor?
  private let input: Tensor
  private let data: TrainingData
  private let seed: UInt64

  /// - Throws: `DataError` where the model is told `classes` and the data has no such classes.
  init(_ data: TrainingData, batch: Int, seed: UInt64, classes: Int?) throws {
    (self.data, self.seed) = (data, seed)
    switch data {
    case .points:
      if let classes {
        throw DataError(
          "model.classes: \(classes), and points of a 2-D set have no classes; expected null")
      }
      input = .input("points", [batch, 2])
      examples = input
      labels = nil
    case .images(let table, let known):
      let rows = Tensor.input("rows", [batch])
      input = rows
      examples = Tensor.rows(of: table, at: rows) * (2.0 / 255) - 1
      labels = try classes.map { classes in
        guard let known else {
          throw DataError("model.classes: \(classes), and the data has no classes; expected null")
        }
        if let label = known.bytes.max(), Int(label) >= classes {
          throw DataError(
            "model.classes: \(classes), and the data has class \(label); expected at least \(Int(label) + 1)"
          )
        }
        return Tensor.rows(of: known, at: rows)
      }
    }
  }

  /// Chooses the examples of a step, from 0: a pure function of the seed and the step.
  func fill(_ program: Program, step: Int) {
    let batch = input.shape[0]
    switch data {
    case .points(let set):
      let points = set.points(seed: seed, step: step, count: batch, standardised: true)
      program.fill(input, with: points)
    case .images(let table, _):
      let rows = Batches.rows(step: step, batch: batch, count: table.rows, seed: seed)
      program.fill(input, with: rows.map { Float($0) })
    }
  }
}
