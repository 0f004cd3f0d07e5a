import Datasets
import Formats
import Images
import Support
import TensorCore

/// A whole data set, before a split of it is taken.
package enum DataSet: Sendable {
  /// 2-D set with a known density.
  case toy(ToySet)
  /// Published images.
  case published(SplitImages, ImageFamily)
  /// A user's own data.
  case own(UserData)

  /// Loads data by the value of `data:`, the name of a data set or the path of a user's own images
  /// or points.
  ///
  /// - Throws: `FigmentError` for an unknown name, or files that are missing or malformed.
  package init(_ name: String, directory: String) throws {
    if let family = ImageFamily.all.first(where: { $0.name == name }) {
      self = .published(try family.load(from: "\(directory)/\(name)"), family)
    } else if ToySet.names.contains(name) {
      self = .toy(try ToySet.named(name))
    } else {
      self = .own(try UserData.load(name, decode: decodePicture))
    }
  }

  /// Notes for the user about how the data were read.
  package var notes: [DataNote] {
    if case .own(let data) = self { data.notes } else { [] }
  }

  /// Description for people: number, shape and range, and the classes with their counts.
  package var description: [String] {
    switch self {
    case .toy(let set):
      let (mean, deviation) = (set.mean, set.standardDeviation)
      return [
        "\(set.name): \(set.definition)", "points of the plane, generated without limit",
        "mean \(brief(mean.x)), \(brief(mean.y)); standard deviation \(brief(deviation.x)), "
          + brief(deviation.y),
        "entropy \(brief(set.entropy)) nats",
      ]
    case .published(let images, let family):
      let all = images.training.labels + images.test.labels
      let validation = images.validation
      return [
        "\(family.title): \(all.count) images of \(images.training.width) x \(images.training.height), grey",
        "shape \(all.count) x \(images.training.height) x \(images.training.width) x 1, bytes from 0 to 255",
        "splits: \(images.training.count - validation) train, \(validation) validation, "
          + "\(images.test.count) test",
      ] + lines(ofClasses: family.classes, sizes: sizes(of: all, count: family.classes.count))
    case .own(let data):
      let parts =
        "splits: "
        + Split.allCases.map { "\(data.rows($0).count) \($0.rawValue)" }
        .joined(separator: ", ")
      let summary =
        data.summary + (data.count < Split.fewestRows ? "; all are used for training" : "")
      switch data {
      case .points(let points):
        let (lower, upper) = (points.lower, points.upper)
        let (mean, deviation) = (points.mean, points.standardDeviation)
        return [
          summary, "shape \(points.count) x 2",
          "x from \(lower.x) to \(upper.x), mean \(mean.x), "
            + "standard deviation \(brief(deviation.x))",
          "y from \(lower.y) to \(upper.y), mean \(mean.y), standard deviation \(brief(deviation.y))",
          parts,
        ]
      case .images(let images):
        return [
          summary,
          "shape \(images.count) x \(images.height) x \(images.width) x \(images.channels), bytes from "
            + "\(images.pixels.min() ?? 0) to \(images.pixels.max() ?? 0)",
          parts,
        ] + lines(ofClasses: images.classes, sizes: images.classSizes)
      }
    }
  }

  private func sizes(of labels: [UInt8], count: Int) -> [Int] {
    var sizes = [Int](repeating: 0, count: count)
    for label in labels where Int(label) < count { sizes[Int(label)] += 1 }
    return sizes
  }

  private func lines(ofClasses names: [String], sizes: [Int]) -> [String] {
    sizes.enumerated().map { label, count in
      let name = label < names.count ? " \(quoted(names[label]))" : ""
      return "class \(label)\(name): \(count) image\(count == 1 ? "" : "s")"
    }
  }

  /// A value that is zero up to rounding is shown as zero.
  private func brief(_ value: Double) -> String { rounded(abs(value) < 1e-12 ? 0 : value) }

  /// Data as an array, all or the first `count` examples.
  ///
  /// Images are bytes; points are doubles in data coordinates. A 2-D set gives the test points that
  /// `likelihood` scores, 10,000 by default.
  ///
  /// - Throws: `FigmentError` if there are fewer than `count`.
  package func array(count: Int?) throws -> NPY {
    func check(_ available: Int) throws -> Int {
      guard let count, count > available else { return count ?? available }
      throw FigmentError("--count: expected at most \(available), found \(count)")
    }
    switch self {
    case .toy(let set):
      let points = set.heldOut(.test, seed: 0, count: count ?? 10_000)
      return try NPY(shape: [points.count, 2], values: .doubles(points.flatMap { [$0.x, $0.y] }))
    case .published(let images, _):
      let training = images.training
      let count = try check(training.count + images.test.count)
      let size = training.width * training.height
      let pixels = (training.pixels + images.test.pixels).prefix(count * size)
      return try NPY(
        shape: [count, training.height, training.width, 1], values: .bytes(Array(pixels)))
    case .own(.points(let points)):
      let count = try check(points.count)
      return try NPY(shape: [count, 2], values: .doubles(Array(points.values.prefix(2 * count))))
    case .own(.images(let images)):
      let count = try check(images.count)
      let shape = [images.height, images.width, images.channels]
      return try NPY(
        shape: [count] + shape, values: .bytes(Array(images.pixels.prefix(count * shape.product))))
    }
  }
}

/// The class of each image, and the names of the classes.
package struct ImageClasses: Sendable {
  /// Class of each image, [images], below `count`.
  package let table: ByteTable
  /// Names of the classes from 0; empty if unknown.
  package let names: [String]
  /// Number of classes, including those without examples.
  package let count: Int

  /// Makes classes, with their names if known.
  package init(_ table: ByteTable, names: [String] = [], count: Int? = nil) {
    (self.table, self.names) = (table, names)
    self.count = max(count ?? 0, names.count, table.bytes.max().map { Int($0) + 1 } ?? 0)
  }

  /// Class of each image, [images].
  package var bytes: [UInt8] { Array(table.bytes) }

  /// Name of a class; its number if it has no name.
  package func name(_ label: Int) -> String {
    names.indices.contains(label) ? names[label] : "\(label)"
  }

  /// The same classes in the order of `wanted`, as recorded in a checkpoint.
  ///
  /// - Throws: `FigmentError` if the names differ.
  func ordered(by wanted: [String], _ data: String) throws -> ImageClasses {
    guard wanted != names else { return self }
    guard Set(wanted) == Set(names), Set(names).count == names.count else {
      func list(_ names: [String]) -> String {
        let more = names.count > 10 ? ", and \(names.count - 10) more" : ""
        return names.prefix(10).map { quoted($0) }.joined(separator: ", ") + more
      }
      throw FigmentError(
        "\(data): the classes are \(names.isEmpty ? "without names" : list(names)); expected those the run was trained "
          + "on: \(list(wanted))")
    }
    let places = names.map { name in UInt8(wanted.firstIndex(of: name) ?? 0) }
    return ImageClasses(
      try ByteTable(table.bytes.map { places[Int($0)] }, rowShape: []), names: wanted)
  }
}

extension TrainingData {
  /// Names of the classes of images; empty if unknown.
  package var classNames: [String] {
    guard case .images(_, let labels?) = self else { return [] }
    return labels.names
  }

  /// The same data with classes in the order recorded by a run; a run without a record is of an
  /// older version, which sorted class names as text.
  ///
  /// - Throws: `FigmentError` if the names differ.
  package func ordered(byClasses wanted: [String], _ name: String) throws -> TrainingData {
    // Data sets with a name have a fixed order of classes.
    guard case .images(let table, let labels?) = self, Domain(named: name) == nil else {
      return self
    }
    let recorded = wanted.isEmpty ? labels.names.sorted() : wanted
    return .images(table, labels: try labels.ordered(by: recorded, printable(name)))
  }
}

extension ToySet {
  /// Points of a split of the set, in data coordinates, for evaluation.
  ///
  /// Each split has its own draws, which no training sees: training draws use steps below
  /// 16,000,000.
  package func heldOut(_ split: Split, seed: UInt64, count: Int) -> [Point] {
    let step = 1 << 41 + (Split.allCases.firstIndex(of: split) ?? 0)
    return (0..<count).map { point(seed: seed, step: step, index: $0) }
  }
}

/// Prints a note on standard error if it is a warning.
func printWarning(_ note: DataNote) {
  if note.isWarning { Console().print("warning: \(note)") }
}

/// Pixels of a PNG, for the loader of a user's own images.
private func decodePicture(_ bytes: [UInt8], _ name: String) throws -> UserData.Picture {
  let picture: PNG.Picture
  do { picture = try PNG.picture(bytes) } catch { throw FigmentError("\(name): \(error)") }
  let bitmap = picture.bitmap
  return UserData.Picture(
    width: bitmap.width, height: bitmap.height, channels: bitmap.channels, pixels: bitmap.pixels,
    isEither: picture.isGreyByPalette, changes: picture.changes)
}
