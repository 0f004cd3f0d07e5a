import Datasets
import Images
import TensorCore

/// Samples as pictures: sheets of images, or points over the data's.
struct Pictures {
  let data: TrainingData

  /// One picture of all samples, [count] + shape, as models see examples.
  func sheet(_ samples: [Float], caption: String = "") throws -> Bitmap {
    switch data {
    case .images(_, let table):
      let images = try bitmaps(samples, table.rowShape)
      let columns = columns(images.count)
      let scale = max(1, 56 / max(table.rowShape[0], table.rowShape[1]))
      return try Images.sheet(of: images, columns: columns, scale: scale)
    case .points(let set):
      // The window and a tenth more, so that strays show.
      func range(_ lower: Double, _ upper: Double) -> ClosedRange<Double> {
        let margin = 0.1 * (upper - lower)
        return lower - margin...upper + margin
      }
      let count = samples.count / 2
      return try scatter(
        [
          try Series("data", interleaved: set.points(seed: 0, count: count), color: Color(grey: 185)),
          try Series("samples", interleaved: dataCoordinates(samples, set), color: .blue),
        ],
        labels: Labels(title: caption.isEmpty ? set.name : caption),
        xRange: range(set.window.lower.x, set.window.upper.x),
        yRange: range(set.window.lower.y, set.window.upper.y))
    }
  }

  /// Sheets side by side, each with a caption.
  func compare(_ parts: [(caption: String, samples: [Float])]) throws -> Bitmap {
    let isPlot = if case .points = data { true } else { false }
    return try sideBySide(
      try parts.map { Panel(isPlot ? "" : $0.caption, try sheet($0.samples, caption: $0.caption)) })
  }

  /// Rows of one sample each, from noise on the left to the sample on the right.
  func strip(_ stages: [[Float]], rows: Int) throws -> Bitmap {
    switch data {
    case .images(_, let table):
      let width = table.rowShape.product
      let images = try stages.map { try bitmaps(Array($0.prefix(rows * width)), table.rowShape) }
      let ordered = (0..<rows).flatMap { row in images.compactMap { row < $0.count ? $0[row] : nil } }
      let scale = max(1, 56 / max(table.rowShape[0], table.rowShape[1]))
      return try Images.sheet(of: ordered, columns: stages.count, scale: scale)
    case .points:
      return try sideBySide(try stages.map { Panel("", try sheet($0)) })
    }
  }

  private func columns(_ count: Int) -> Int {
    var columns = 1
    while columns * columns < count { columns += 1 }
    return columns
  }

  private func bitmaps(_ samples: [Float], _ shape: [Int]) throws -> [Bitmap] {
    try Bitmap.batch(
      samples, range: -1...1, height: shape[0], width: shape[1], channels: shape[2])
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
