import Datasets
import Images
import Support
import TensorCore

/// Pictures of samples: sample grids of images, or scatter plots over the data.
package struct Pictures {
  package let domain: Domain
  /// Sample values of black and white in images.
  let range: ClosedRange<Float>

  package init(domain: Domain, range: ClosedRange<Float> = -1...1) {
    (self.domain, self.range) = (domain, range)
  }

  /// One picture of all samples, [count] + shape, as models see examples.
  package func sheet(_ samples: [Float], caption: String = "") throws -> Bitmap {
    switch domain {
    case .images: try square(of: try bitmaps(samples))
    case .points(let set): try plot(samples, set, title: caption, ranges: strayRanges(set))
    }
  }

  /// Scatter plot of samples over as many points of the data.
  private func plot(
    _ samples: [Float], _ set: Plane, title: String,
    ranges: (x: ClosedRange<Double>, y: ClosedRange<Double>), size: Int = 640
  ) throws -> Bitmap {
    try scatter(
      [
        try Series(
          "data", interleaved: set.points(seed: 0, count: samples.count / 2),
          color: Color(grey: 185)),
        try Series("samples", interleaved: set.coordinates(ofStandardised: samples), color: .blue),
      ],
      labels: Labels(title: title.isEmpty ? set.name : title), xRange: ranges.x, yRange: ranges.y,
      size: size)
  }

  /// The window of a set, enlarged by a tenth so that outliers show.
  private func strayRanges(_ set: Plane) -> (x: ClosedRange<Double>, y: ClosedRange<Double>) {
    func range(_ lower: Double, _ upper: Double) -> ClosedRange<Double> {
      let margin = 0.1 * (upper - lower)
      return lower - margin...upper + margin
    }
    return (
      range(set.window.lower.x, set.window.upper.x), range(set.window.lower.y, set.window.upper.y)
    )
  }

  /// The window of a set together with the initial noise of samples, to 3.2 standard deviations.
  private func noiseRanges(_ set: Plane) -> (x: ClosedRange<Double>, y: ClosedRange<Double>) {
    func range(
      _ lower: Double, _ upper: Double, _ mean: Double, _ deviation: Double
    ) -> ClosedRange<Double> {
      min(lower, mean - 3.2 * deviation)...max(upper, mean + 3.2 * deviation)
    }
    let (lower, upper) = set.window
    return (
      range(lower.x, upper.x, set.mean.x, set.standardDeviation.x),
      range(lower.y, upper.y, set.mean.y, set.standardDeviation.y)
    )
  }

  /// Sample grids side by side, each with a caption.
  package func compare(_ parts: [(caption: String, samples: [Float])]) throws -> Bitmap {
    try sideBySide(
      try parts.map { Panel(isPlot ? "" : $0.caption, try sheet($0.samples, caption: $0.caption)) })
  }

  /// Number of samples in `strip`.
  package var stripCount: Int { isPlot ? 2000 : 8 }

  /// Samples from noise on the left to data on the right: a row per image.
  package func strip(_ stages: [(done: Int, samples: [Float])]) throws -> Bitmap {
    switch domain {
    case .images:
      let images = try stages.map { try bitmaps($0.samples) }
      let rows = images.first?.count ?? 0
      let ordered = (0..<rows).flatMap { row in images.map { $0[row] } }
      return try Images.sampleGrid(of: ordered, columns: stages.count, scale: enlargement)
    case .points(let set):
      return try panels(
        try stages.map { stage in
          Panel(
            "",
            try plot(
              stage.samples, set, title: title(stage.done), ranges: noiseRanges(set), size: 320))
        }, columns: 5)
    }
  }

  /// Number of samples in `film`.
  package var filmCount: Int { isPlot ? 500 : 16 }

  /// Animation of samples from noise to the result, which stays for two seconds.
  package func film(_ stages: [(done: Int, samples: [Float])]) throws -> [Frame] {
    try stages.enumerated().map { index, stage in
      let picture =
        switch domain {
        case .images: try square(of: try bitmaps(stage.samples))
        case .points(let set):
          try plot(
            stage.samples, set, title: title(stage.done), ranges: noiseRanges(set), size: 400)
        }
      return Frame(picture, milliseconds: index == stages.count - 1 ? 2000 : 80)
    }
  }

  private func title(_ done: Int) -> String {
    done == 0 ? "noise" : "after \(counted(done, "step"))"
  }

  /// Paths of points from noise to the result, over points of the data.
  package func trajectories(_ stages: [(done: Int, samples: [Float])]) throws -> Bitmap {
    guard case .points(let set) = domain else {
      throw FigmentError("trajectories: expected points, found images")
    }
    let ranges = noiseRanges(set)
    return try Images.trajectories(
      try paths(stages: stages.map { set.coordinates(ofStandardised: $0.samples) }),
      over: [
        try Series("data", interleaved: set.points(seed: 0, count: 1000), color: Color(grey: 185))
      ],
      labels: Labels(title: "\(set.name): paths of ddim, eta 0"),
      xRange: ranges.x, yRange: ranges.y)
  }

  /// Sample grid that is about as wide as it is high.
  private func square(of images: [Bitmap]) throws -> Bitmap {
    var columns = 1
    while columns * columns < images.count { columns += 1 }
    return try Images.sampleGrid(of: images, columns: columns, scale: enlargement)
  }

  /// Scale factor that enlarges images of fewer than 56 pixels to about that size.
  package var enlargement: Int { max(1, 56 / max(domain.shape[0], domain.shape[1])) }

  private var isPlot: Bool { if case .points = domain { true } else { false } }

  func bitmaps(_ samples: [Float]) throws -> [Bitmap] {
    let shape = domain.shape
    return try Bitmap.batch(
      samples, range: range, height: shape[0], width: shape[1], channels: shape[2])
  }
}

extension Pictures {
  /// Sample grid with the given number of columns.
  package func sheet(_ samples: [Float], columns: Int) throws -> Bitmap {
    try Images.sampleGrid(of: try bitmaps(samples), columns: columns, scale: enlargement)
  }

  /// Each original above its reconstruction, in rows of 16.
  package func pairs(_ originals: [Float], _ reconstructions: [Float]) throws -> Bitmap {
    let (above, below) = (try bitmaps(originals), try bitmaps(reconstructions))
    let columns = min(16, above.count)
    let ordered = stride(from: 0, to: above.count, by: columns).flatMap { first -> [Bitmap] in
      let row = first..<min(first + columns, above.count)
      return Array(above[row]) + Array(below[row])
    }
    return try Images.sampleGrid(of: ordered, columns: columns, scale: enlargement)
  }
}

extension TrainingData {
  /// PNG of the first `count` examples, or of all if there are fewer; points are drawn over the
  /// exact density.
  package func picture(count: Int, command: String) throws -> [UInt8] {
    let bitmap: Bitmap
    switch self {
    case .points(let set):
      bitmap = try heatMap(
        try Plane(set).heat { points in points.map { set.logDensity($0.x, $0.y) } },
        points: [
          // Nearly all points lie where the colours are dark.
          try Series(
            "\(count) points", interleaved: set.points(seed: 0, count: count),
            color: Color(255, 165, 30))
        ],
        labels: Labels(title: "\(set.name): \(set.definition)"))
    case .ownPoints(let points, let name):
      let shown = Array(points.values.prefix(2 * count))
      bitmap = try scatter(
        [try Series("\(shown.count / 2) points", interleaved: shown)], labels: Labels(title: name))
    case .images(let table, _):
      let bytes = table.bytes.prefix(count * domain.shape.product)
      bitmap = try Pictures(domain: domain).sheet(bytes.map { Float($0) * (2 / 255) - 1 })
    }
    return try PNG.encode(
      bitmap, text: [("Software", "figment \(figmentVersion)"), ("figment.command", command)])
  }
}
