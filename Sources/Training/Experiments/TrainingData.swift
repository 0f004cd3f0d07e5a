import Datasets
import Images
import TensorCore

/// What an experiment's `data:` names, in memory.
public enum TrainingData: Sendable {
  /// Points of a 2-D set whose density is known, fresh at every step.
  case points(ToySet)
  /// A user's own points, of which those for training are used.
  case ownPoints(UserPoints, name: String)
  /// Images in rows of bytes, [height, width, channels] each, and the class of each where it is
  /// known.
  case images(ByteTable, labels: ImageClasses?)

  /// Loads what `data:` says: the name of a data set, or the path of a user's own images or points.
  ///
  /// - Parameters:
  ///   - directory: The folder of downloaded data sets, with one folder each.
  ///   - split: Which images; 2-D sets and a user's own points hold all their parts.
  ///   - note: Given what the user should know of how the data were read; warnings are printed
  ///     unless told otherwise.
  /// - Throws: `DataError` for an unknown name, or for files that are missing or not what they should
  ///   be.
  public init(
    _ name: String, directory: String, split: Split = .train,
    note: (DataNote) -> Void = printWarning
  ) throws {
    if let family = ImageFamily.all.first(where: { $0.name == name }) {
      // Only the part that is asked for is read and kept.
      self = try .images(of: family.load(split, from: "\(directory)/\(name)"), family)
      return
    }
    let data = try DataSet(name, directory: directory)
    for line in data.notes { note(line) }
    try self.init(data, name: name, split: split)
  }

  /// A part of data that were read whole.
  ///
  /// - Throws: `DataError` where images have no such part.
  public init(_ data: DataSet, name: String, split: Split = .train) throws {
    switch data {
    case .toy(let set): self = .points(set)
    case .published(let all, let family): self = try .images(of: all.images(split), family)
    case .own(.points(let points)): self = .ownPoints(points, name: name)
    case .own(.images(let all)):
      let images = all.images(split)
      guard images.count > 0 else {
        throw DataError(
          "\(name): \(all.count) \(all.count == 1 ? "image has" : "images have") no \(split.rawValue) part; expected at least "
            + "\(Split.fewestRows)")
      }
      self = .images(
        try ByteTable(images.pixels, rowShape: [images.height, images.width, images.channels]),
        labels: try images.labels.map {
          ImageClasses(
            try ByteTable($0, rowShape: []), names: images.classes, count: images.classCount)
        })
    }
  }

  private static func images(
    of images: LabelledImages, _ family: ImageFamily
  ) throws -> TrainingData {
    .images(
      try ByteTable(images.pixels, rowShape: [images.height, images.width, 1]),
      labels: ImageClasses(try ByteTable(images.labels, rowShape: []), names: family.classes))
  }

  /// As `init(_:directory:)`, but random bytes where published images are missing: the same work, for
  /// measurements and plans.
  public init(standingInFor name: String, directory: String) throws {
    guard case .images(let height, let width, let channels) = Domain(named: name) else {
      try self.init(name, directory: directory)
      return
    }
    if let family = ImageFamily.all.first(where: { $0.name == name }),
      family.hasTrainingFile(in: "\(directory)/\(name)")
    {
      try self.init(name, directory: directory, note: { _ in })
      return
    }
    var state: UInt64 = 1
    let bytes = (0..<50_000 * height * width * channels).map { _ -> UInt8 in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 56)
    }
    self = .images(
      try ByteTable(bytes, rowShape: [height, width, channels]),
      labels: ImageClasses(try ByteTable((0..<50_000).map { UInt8($0 % 10) }, rowShape: [])))
  }

  /// The same with every byte 0 or 255, where that is one for all runs.
  ///
  /// - Throws: `TensorError` if memory runs out.
  func binarised(_ binarisation: Binarisation) throws -> TrainingData {
    guard case .images(let table, let labels) = self else { return self }
    return .images(try table.binarised(binarisation), labels: labels)
  }

  /// Examples of an epoch; of a 2-D set, of which there is no end, 100,000.
  var epoch: Int {
    switch self {
    case .points: 100_000
    case .ownPoints(let points, _): Split.train.rows(of: points.count).count
    case .images(let table, _): table.rows
    }
  }

  /// What the examples are.
  public var domain: Domain {
    switch self {
    case .points(let set): .points(Plane(set))
    case .ownPoints(let points, let name): .points(Plane(points, name: name))
    case .images(let table, _):
      .images(height: table.rowShape[0], width: table.rowShape[1], channels: table.rowShape[2])
    }
  }

  /// Bytes that the data take in memory.
  public var byteCount: Int {
    switch self {
    case .points: 0
    case .ownPoints(let points, _): 16 * points.count
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
  /// A user's own points for training, standardised.
  private let table: [Float]

  /// The batches of an experiment.
  ///
  /// - Throws: `DataError` where the model is told classes and the data has no such classes.
  init(_ data: TrainingData, _ experiment: Experiment) throws {
    let batch = experiment.batch
    let classes = experiment.model.classes
    let data = try data.binarised(experiment.binarisation)
    (self.data, seed) = (data, experiment.seed)
    switch data {
    case .points:
      if let classes {
        throw DataError(
          "model.classes: \(classes), and points of a 2-D set have no classes; expected null")
      }
      input = .input("points", [batch, 2])
      examples = input
      labels = nil
      table = []
    case .ownPoints(let points, let name):
      if let classes {
        throw DataError("model.classes: \(classes), and \(name) has no classes; expected null")
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
          throw DataError(
            "model.classes: \(classes), and the data has no classes; expected "
              + (experiment.model.drawsSamples ? "null" : "labelled images"))
        }
        try checkLabels(known.bytes, classes: classes)
        return Tensor.rows(of: known.table, at: rows)
      }
    }
  }

  /// Chooses the examples of a step, from 0: a pure function of the seed and the step.
  func fill(_ program: Program, step: Int) throws {
    // A stage may have no use for the data, as that of a generator.
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

/// Examples in their order, a batch at a time, with draws that depend on the row alone: for figures
/// that are compared with each other.
struct OrderedInput: Sendable {
  /// Examples in all.
  let count: Int
  /// [batch] + shape, as models see examples.
  let examples: Tensor
  /// A seed for each row of the batch.
  let keys: Tensor
  private let batch: Int
  private let rows: Tensor?
  private let values: [Float]

  /// At most `limit` examples of `data`: of a user's own points, those of a part.
  ///
  /// - Throws: `DataError` where that part is empty.
  init(
    _ data: TrainingData, _ experiment: Experiment, split: Split = .validation, batch: Int,
    limit: Int = 10_000
  ) throws {
    self.batch = batch
    keys = .seeds("keys", batch)
    switch try data.binarised(experiment.binarisation) {
    case .points(let set):
      // Training draws by steps below 16,000,000.
      values = set.points(
        seed: experiment.seed, step: 1 << 40, count: min(limit, 4096), standardised: true)
    case .ownPoints(let points, let name):
      values = Array(points.standardised(split).prefix(2 * limit))
      guard !values.isEmpty else {
        throw DataError(
          "\(name): \(counted(points.count, "point")) \(points.count == 1 ? "has" : "have") no \(split.rawValue) part; expected at least "
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

  /// Runs `program` over all examples; `body` is given how many rows of the batch count.
  func forEachBatch(_ program: Program, _ body: (_ rows: Int) throws -> Void) throws {
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

/// - Throws: `DataError` where an example is of a class that a model of `classes` classes does not know.
func checkLabels(_ labels: some Sequence<UInt8>, classes: Int) throws {
  guard let last = labels.max(), Int(last) >= classes else { return }
  throw DataError(
    "model.classes: \(classes), and the data has class \(last); expected at least \(Int(last) + 1)")
}
