import Datasets
import Images
import TensorCore

/// Samples as pictures: sheets of images, or points over the data's.
struct Pictures {
  let domain: Domain

  /// One picture of all samples, [count] + shape, as models see examples.
  func sheet(_ samples: [Float], caption: String = "", size: Int = 640) throws -> Bitmap {
    switch domain {
    case .images:
      return try square(of: try bitmaps(samples))
    case .points(let set):
      // The window and a tenth more, so that strays show.
      func range(_ lower: Double, _ upper: Double) -> ClosedRange<Double> {
        let margin = 0.1 * (upper - lower)
        return lower - margin...upper + margin
      }
      let count = samples.count / 2
      return try scatter(
        [
          try Series(
            "data", interleaved: set.points(seed: 0, count: count), color: Color(grey: 185)),
          try Series("samples", interleaved: dataCoordinates(samples, set), color: .blue),
        ],
        labels: Labels(title: caption.isEmpty ? set.name : caption),
        xRange: range(set.window.lower.x, set.window.upper.x),
        yRange: range(set.window.lower.y, set.window.upper.y), size: size)
    }
  }

  /// Sheets side by side, each with a caption.
  func compare(_ parts: [(caption: String, samples: [Float])]) throws -> Bitmap {
    let isPlot = if case .points = domain { true } else { false }
    return try sideBySide(
      try parts.map { Panel(isPlot ? "" : $0.caption, try sheet($0.samples, caption: $0.caption)) })
  }

  /// Rows of one sample each, from noise on the left to the sample on the right.
  func strip(_ stages: [(done: Int, samples: [Float])], rows: Int) throws -> Bitmap {
    switch domain {
    case .images:
      let width = domain.shape.product
      let images = try stages.map { try bitmaps(Array($0.samples.prefix(rows * width))) }
      let ordered = (0..<rows).flatMap { row in
        images.compactMap { row < $0.count ? $0[row] : nil }
      }
      return try Images.sheet(of: ordered, columns: stages.count, scale: enlargement)
    case .points:
      return try sideBySide(
        try stages.map { stage in
          let caption = stage.done == 0 ? "noise" : "after \(stage.done) steps"
          return Panel("", try sheet(stage.samples, caption: caption, size: 320))
        })
    }
  }

  /// A sheet that is about as wide as it is high.
  private func square(of images: [Bitmap]) throws -> Bitmap {
    var columns = 1
    while columns * columns < images.count { columns += 1 }
    return try Images.sheet(of: images, columns: columns, scale: enlargement)
  }

  /// Images of fewer than 56 pixels are enlarged to about that.
  private var enlargement: Int { max(1, 56 / max(domain.shape[0], domain.shape[1])) }

  private func bitmaps(_ samples: [Float]) throws -> [Bitmap] {
    let shape = domain.shape
    return try Bitmap.batch(
      samples, range: -1...1, height: shape[0], width: shape[1], channels: shape[2])
  }
}

extension TrainingData {
  /// A PNG of the first `count` examples.
  ///
  /// - Throws: `DataError` where there are fewer.
  public func picture(count: Int, command: String) throws -> [UInt8] {
    let bitmap: Bitmap
    switch self {
    case .points(let set):
      bitmap = try scatter(
        [try Series("\(count) points", interleaved: set.points(seed: 0, count: count))],
        labels: Labels(title: "\(set.name): \(set.definition)"))
    case .images(let table, _):
      guard count <= table.rows else {
        throw DataError("there are \(table.rows) images, fewer than \(count)")
      }
      let bytes = table.bytes.prefix(count * domain.shape.product)
      bitmap = try Pictures(domain: domain).sheet(bytes.map { Float($0) * (2 / 255) - 1 })
    }
    return try PNG.encode(
      bitmap, text: [("Software", "figment \(figmentVersion)"), ("figment.command", command)])
  }
}

/// Standardised points, [count, 2], in the coordinates of the data.
func dataCoordinates(_ samples: [Float], _ set: ToySet) -> [Float] {
  samples.indices.map { i in
    let (mean, scale) =
      i % 2 == 0 ? (set.mean.x, set.standardDeviation.x) : (set.mean.y, set.standardDeviation.y)
    return Float(mean + scale * Double(samples[i]))
  }
}
