import Images

/// The curves of a run, one under the other: loss, gradient norm and learning rate over steps.
func curves(_ records: [MetricsRecord], title: String) throws -> Bitmap? {
  guard !records.isEmpty else { return nil }
  func chart(_ figure: String, _ label: String, title: String, logarithmic: Bool) throws -> Bitmap {
    let points = Metrics.curve(figure, in: records).map { (x: Double($0.step), y: $0.value) }
    return try lineChart(
      [Series("", points)], labels: Labels(title: title, x: "steps", y: label),
      logarithmicY: logarithmic && points.contains { $0.y > 0 }, height: 400)
  }
  return try sheet(
    of: [
      try chart("loss", "loss", title: title, logarithmic: true),
      try chart("gradientNorm", "gradient norm, before clipping", title: "", logarithmic: true),
      try chart("rate", "learning rate", title: "", logarithmic: false),
    ], columns: 1, margin: 0, background: 255)
}
