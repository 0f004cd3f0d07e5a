import Datasets
import Formats
import Images
import Support
import TensorCore

/// The data named by `data:` in an experiment, in memory.
package enum TrainingData: Sendable {
  /// Points of a 2-D set with a known density, drawn afresh at every step.
  case points(ToySet)
  /// A user's own points, of which the training split is used.
  case ownPoints(UserPoints, name: String)
  /// Images in rows of bytes, [height, width, channels] each, and their classes if known.
  case images(ByteTable, labels: ImageClasses?)

  /// Loads data by the value of `data:`, the name of a data set or the path of a user's own images
  /// or points.
  ///
  /// - Parameters:
  ///   - directory: Folder of downloaded data sets, with one folder each.
  ///   - split: Split of images; 2-D sets and a user's own points contain all splits.
  ///   - note: Receives notes about how the data were read; by default warnings are printed.
  /// - Throws: `FigmentError` for an unknown name, or files that are missing or malformed.
  package init(
    _ name: String, directory: String, split: Split = .train,
    note: (DataNote) -> Void = printWarning
  ) throws {
    if let family = ImageFamily.all.first(where: { $0.name == name }) {
      // Only the requested split is read and kept.
      self = try .images(of: family.load(split, from: "\(directory)/\(name)"), family)
      return
    }
    let data = try DataSet(name, directory: directory)
    for line in data.notes { note(line) }
    try self.init(data, name: name, split: split)
  }

  /// A split of data that were read whole.
  ///
  /// - Throws: `FigmentError` if images have no such split.
  package init(_ data: DataSet, name: String, split: Split = .train) throws {
    switch data {
    case .toy(let set): self = .points(set)
    case .published(let all, let family): self = try .images(of: all.images(split), family)
    case .own(.points(let points)): self = .ownPoints(points, name: name)
    case .own(.images(let all)):
      let images = all.images(split)
      guard images.count > 0 else {
        throw FigmentError(
          "\(name): \(all.count) \(all.count == 1 ? "image has" : "images have") no \(split.rawValue) split; expected at least "
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

  /// Same as `init(_:directory:)`, except that random bytes replace published images that are
  /// missing: the amount of work is the same, for measurements and plans.
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

  /// The same data with every byte set to 0 or 255, if the binarisation is the same for all runs;
  /// otherwise unchanged.
  ///
  /// - Throws: `TensorError` if memory runs out.
  package func binarised(_ binarisation: Binarisation) throws -> TrainingData {
    guard case .images(let table, let labels) = self else { return self }
    return .images(try table.binarised(binarisation), labels: labels)
  }

  /// Number of examples per epoch; 100,000 for a 2-D set, which is unlimited.
  package var epoch: Int {
    switch self {
    case .points: 100_000
    case .ownPoints(let points, _): Split.train.rows(of: points.count).count
    case .images(let table, _): table.rows
    }
  }

  /// Kind and shape of the examples.
  package var domain: Domain {
    switch self {
    case .points(let set): .points(Plane(set))
    case .ownPoints(let points, let name): .points(Plane(points, name: name))
    case .images(let table, _):
      .images(height: table.rowShape[0], width: table.rowShape[1], channels: table.rowShape[2])
    }
  }

  /// Size of the data in memory, in bytes.
  package var byteCount: Int {
    switch self {
    case .points: 0
    case .ownPoints(let points, _): 16 * points.count
    case .images(let table, _): table.bytes.count
    }
  }
}
