import Formats
import Support

extension UserData {
  /// Creates data from the array of an archive with the given name, or from its only array.
  init(_ archive: NPZ, _ wanted: String?, path: String, maximumBytes: Int) throws {
    // The archive's entry is called "images.npy".
    let known = wanted.map { name in
      archive.names.contains(name) || !name.hasSuffix(".npy") ? name : String(name.dropLast(4))
    }
    let others = archive.names.filter { !Labels.names.contains($0.lowercased()) }
    let only = others.count == 1 ? others[0] : archive.names.count == 1 ? archive.names[0] : nil
    guard let name = known ?? only else {
      throw FigmentError(
        "\(path): \(archive.listed); expected one array, or its name: "
          + "\(path):\(archive.names.first ?? "images")")
    }
    let array = try archive.array(name)
    self = try UserData(array: array, name: "\(path):\(name)", maximumBytes: maximumBytes)
    guard case .images(let images) = self else { return }
    for beside in Labels.candidates(for: name)
    where beside != name && archive.names.contains(beside) {
      let labels = try archive.array(beside)
      if let read = Labels(labels, count: images.count) {
        var notes = images.notes
        notes.append(
          DataNote(
            "\(path): the classes of \(singleQuoted(name)) are those of \(singleQuoted(beside))"))
        self = .images(
          UserImages(
            height: images.height, width: images.width, channels: images.channels,
            pixels: images.pixels, labels: read.values, notes: notes))
        return
      }
      let problem = DataNote(
        "\(path): \(singleQuoted(beside)), \(labels.typeName) of shape (\(times(labels.shape))), is no class "
          + "from 0 to 255 for each of the \(counted(images.count, "image")): the images have no classes",
        isWarning: true)
      var unlabelled = images
      unlabelled.notes.append(problem)
      self = .images(unlabelled)
    }
  }

  /// Creates data from an array: points if it has two columns, images otherwise.
  init(array: NPY, name: String, maximumBytes: Int) throws {
    let shape = array.shape
    let isOfTruth = array.typeName == "bool"
    if shape.count == 2, shape[1] == 2, !isOfTruth {
      guard shape[0] <= maximumBytes / 16 else {
        throw FigmentError("\(name): \(shape[0]) points, expected at most \(maximumBytes / 16)")
      }
      let values: [Double] =
        switch array.values {
        case .floats(let floats): floats.map(Double.init)
        case .doubles(let doubles): doubles
        case .bytes(let bytes): bytes.map { Double($0) }
        }
      self = .points(try UserPoints(values, name: name))
      return
    }
    let channels = shape.count == 4 ? shape[3] : 1
    guard shape.count == 3 || shape.count == 4, channels == 1 || channels == 3 else {
      throw FigmentError(
        "\(name): \(array.typeName) of shape (\(times(shape))), expected images "
          + "[n, height, width] or [n, height, width, 1 or 3], or points [n, 2]"
          + (Self.remedy(shape).map { " (\($0))" } ?? ""))
    }
    guard array.values.count > 0 else {
      throw FigmentError("\(name): shape (\(times(shape))) holds no pixels")
    }
    if shape.count == 3, [1, 3, 4].contains(shape[2]), shape[1] > shape[2] {
      throw FigmentError(
        "\(name): shape (\(times(shape))) may be one image with \(counted(shape[2], "channel")) or "
          + "\(counted(shape[0], "grey image")) of \(shape[2]) x \(shape[1]); expected a[None] for the one or "
          + "a[..., None] for the others")
    }
    var notes: [DataNote] = []
    if shape.count == 3, shape[0] == 3 {
      notes.append(
        DataNote(
          "\(name): shape (\(times(shape))) is taken for 3 grey images; numpy.moveaxis(a, 0, 2)[None] "
            + "makes one in colour of them", isWarning: true))
    }
    let pixels: [UInt8]
    switch array.values {
    case .bytes(let bytes) where isOfTruth: pixels = bytes.map { $0 == 0 ? 0 : 255 }
    case .bytes(let bytes):
      pixels = bytes
      if bytes.max() == 1 {
        notes.append(
          DataNote(
            "\(name): uint8 is from 0 to 255, and no pixel is above 1: nearly black; for black and white "
              + "save it as bool, or times 255", isWarning: true))
      }
    case .floats(let floats):
      pixels = try Self.quantised(floats, shape, name, &notes)
    case .doubles(let doubles):
      pixels = try Self.quantised(doubles, shape, name, &notes)
    }
    self = .images(
      UserImages(
        height: shape[1], width: shape[2], channels: channels, pixels: pixels, notes: notes))
  }

  /// A hint how to convert an array of such a shape, if there is a way.
  private static func remedy(_ shape: [Int]) -> String? {
    switch shape.count {
    case 4 where shape[1] == 1 || shape[1] == 3:
      return "numpy.moveaxis(images, 1, 3) makes them of these"
    case 4 where shape[3] == 4: return "images[..., :3] leaves the transparency away"
    case 2 where shape[0] == 2: return "its transpose, .T, is points"
    case 2:
      let side = Int(Double(shape[1]).squareRoot())
      if side >= 4, side * side == shape[1], shape[0] != shape[1] {
        return "reshape(-1, \(side), \(side)) makes images of rows"
      }
      return shape[0] > 2 && shape[1] > 2 ? "a[None] makes one image of it" : nil
    default: return nil
    }
  }

  /// Converts numbers to bytes, taking them for the nearest of the usual ranges of pixels.
  ///
  /// Numbers may lie outside by a twentieth of the range, as resampling produces them; those are
  /// clipped.
  private static func quantised(
    _ values: [some BinaryFloatingPoint], _ shape: [Int], _ name: String, _ notes: inout [DataNote]
  ) throws -> [UInt8] {
    if let index = values.firstIndex(where: { !$0.isFinite }) {
      var (rest, place) = (index, [Int]())
      for size in shape.reversed() {
        place.insert(rest % size, at: 0)
        rest /= size
      }
      throw FigmentError("\(name): value \(place) is \(values[index]), expected a finite number")
    }
    let (least, most) = (values.min() ?? 0, values.max() ?? 0)
    guard let range = PixelRange(from: Double(least), to: Double(most)) else {
      throw FigmentError(
        "\(name): pixels from \(least) to \(most), expected [0, 1], [-1, 1] or [0, 255]; scale them, or "
          + "save numpy.uint8 for 0 to 255")
    }
    let isOutside = Double(least) < range.lower || Double(most) > range.upper
    notes.append(
      DataNote(
        "\(name): pixels from \(least) to \(most) are taken for \(range)"
          + (isOutside ? ", and clipped to it" : ""), isWarning: isOutside))
    // Computed in the precision of the values themselves, so that ties round as they always have.
    return switch range {
    case .unit: values.map { UInt8((255 * min(max($0, 0), 1)).rounded()) }
    case .symmetric: values.map { UInt8((127.5 * (min(max($0, -1), 1) + 1)).rounded()) }
    case .bytes: values.map { UInt8(min(max($0, 0), 255).rounded()) }
    }
  }
}

/// The range of numbers from black to white in an array.
private enum PixelRange: CustomStringConvertible {
  case unit, symmetric, bytes

  /// Tolerance for numbers outside a range, as a fraction of its length.
  private static let slack = 0.05

  /// The nearest range for numbers from `least` to `most`, or nil if none is near.
  init?(from least: Double, to most: Double) {
    func holds(_ lower: Double, _ upper: Double) -> Bool {
      let slack = Self.slack * (upper - lower)
      return lower - slack <= least && most <= upper + slack
    }
    if holds(0, 1) {
      self = .unit
    } else if holds(-1, 1) {
      self = .symmetric
    } else if holds(0, 255), most > 16 {
      // 16 is, by ratio, equally far from 1 and 255: numbers that stay below it are scaled in
      // another way.
      self = .bytes
    } else {
      return nil
    }
  }

  var lower: Double { self == .symmetric ? -1 : 0 }
  var upper: Double { self == .bytes ? 255 : 1 }
  var description: String { "[\(Int(lower)), \(Int(upper))]" }
}

/// Class labels from an array that accompanies one of images.
private struct Labels {
  let values: [UInt8]

  /// Names of arrays that are taken for labels and not for images.
  static let names: Set<String> = [
    "labels", "label", "y", "target", "targets", "classes", "class", "y_train", "y_test",
    "train_labels",
    "test_labels",
  ]

  /// Names that the labels of an array of images may have, most likely first.
  static func candidates(for name: String) -> [String] {
    var found = [
      name.replacing("images", with: "labels"), name.replacing("image", with: "label"),
      name.replacing("data", with: "labels"), name.replacing("data", with: "target"),
    ]
    if name.hasPrefix("x") || name.hasPrefix("X") { found.append("y" + name.dropFirst()) }
    return found.filter { $0 != name } + ["labels", "label", "y", "target", "targets", "classes"]
  }

  /// Creates labels from an array with a whole number from 0 to 255 for each of `count` images, or
  /// nil.
  init?(_ array: NPY, count: Int) {
    guard array.shape == [count] || array.shape == [count, 1], array.typeName != "bool"
    else { return nil }
    func whole(_ values: [some BinaryFloatingPoint]) -> [UInt8]? {
      let bytes = values.compactMap { UInt8(exactly: Double($0)) }
      return bytes.count == values.count ? bytes : nil
    }
    let read: [UInt8]? =
      switch array.values {
      case .bytes(let bytes): bytes
      case .floats(let floats): whole(floats)
      case .doubles(let doubles): whole(doubles)
      }
    guard let read else { return nil }
    values = read
  }
}
