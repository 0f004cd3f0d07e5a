import Datasets
import Formats
import Images
import Support
import TensorCore

/// What an experiment's `data:` names, in memory.
package enum TrainingData: Sendable {
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
  /// - Throws: `FigmentError` for an unknown name, or for files that are missing or not what they should
  ///   be.
  package init(
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
  /// - Throws: `FigmentError` where images have no such part.
  package init(_ data: DataSet, name: String, split: Split = .train) throws {
    switch data {
    case .toy(let set): self = .points(set)
    case .published(let all, let family): self = try .images(of: all.images(split), family)
    case .own(.points(let points)): self = .ownPoints(points, name: name)
    case .own(.images(let all)):
      let images = all.images(split)
      guard images.count > 0 else {
        throw FigmentError(
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
  package init(standingInFor name: String, directory: String) throws {
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
  package func binarised(_ binarisation: Binarisation) throws -> TrainingData {
    guard case .images(let table, let labels) = self else { return self }
    return .images(try table.binarised(binarisation), labels: labels)
  }

  /// Examples of an epoch; of a 2-D set, of which there is no end, 100,000.
  package var epoch: Int {
    switch self {
    case .points: 100_000
    case .ownPoints(let points, _): Split.train.rows(of: points.count).count
    case .images(let table, _): table.rows
    }
  }

  /// What the examples are.
  package var domain: Domain {
    switch self {
    case .points(let set): .points(Plane(set))
    case .ownPoints(let points, let name): .points(Plane(points, name: name))
    case .images(let table, _):
      .images(height: table.rowShape[0], width: table.rowShape[1], channels: table.rowShape[2])
    }
  }

  /// Bytes that the data take in memory.
  package var byteCount: Int {
    switch self {
    case .points: 0
    case .ownPoints(let points, _): 16 * points.count
    case .images(let table, _): table.bytes.count
    }
  }
}
