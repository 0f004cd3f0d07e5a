import Images

/// Metrics of a run, to be plotted.
package struct CurveSource {
  let name: String
  let records: [MetricsRecord]
  /// True if gradients are clipped; the recorded norm is the one before clipping.
  let isClipped: Bool
  /// Minutes of training up to each step, or nil to plot over steps.
  let minutes: [Int: Double]?

  package init(
    name: String, records: [MetricsRecord], isClipped: Bool, minutes: [Int: Double]? = nil
  ) {
    (self.name, self.records, self.isClipped, self.minutes) = (name, records, isClipped, minutes)
  }
}

/// Plots the curves of runs in one picture, one chart below the other: loss and its terms, gradient
/// norm and learning rate, over steps or minutes; nil if there are no metrics yet.
package func curves(_ runs: [CurveSource], title: String) throws -> Bitmap? {
  guard runs.contains(where: { !$0.records.isEmpty }) else { return nil }
  func chart(
    _ figure: String, _ label: String, isLogarithmic: Bool, isSmoothed: Bool
  ) -> LineChart? {
    let series = runs.map { run in
      Series(
        run.name,
        Metrics.curve(figure, in: run.records).compactMap { point in
          (run.minutes.map { $0[point.step] } ?? Double(point.step)).map { ($0, point.value) }
        })
    }
    let values = series.flatMap(\.points).map(\.y).filter(\.isFinite)
    guard let least = values.min(), let most = values.max() else { return nil }
    // A loss that is a log-likelihood can have either sign; one that hardly falls needs no
    // logarithm.
    let isLogarithmic = isLogarithmic && least > 0 && most > 3 * least
    return LineChart(label, series, isLogarithmic: isLogarithmic, isSmoothed: isSmoothed)
  }
  let charts = [
    chart("loss", "loss", isLogarithmic: true, isSmoothed: true),
    chart("validationLoss", "validation loss, nats", isLogarithmic: false, isSmoothed: false),
    chart("accuracy", "share that is right", isLogarithmic: false, isSmoothed: true),
    chart(
      "validationAccuracy", "share that is right, validation data", isLogarithmic: false,
      isSmoothed: false),
    chart("reconstruction", "reconstruction, nats", isLogarithmic: false, isSmoothed: true),
    chart("criticLoss", "critic's loss", isLogarithmic: false, isSmoothed: true),
    chart(
      "criticScoreOfData", "critic's mean score of data", isLogarithmic: false, isSmoothed: true),
    chart(
      "criticScoreOfSamples", "critic's mean score of samples", isLogarithmic: false,
      isSmoothed: true),
    chart("criticSlope", "critic's mean |grad f|", isLogarithmic: true, isSmoothed: true),
    chart("modesFound", "modes found", isLogarithmic: false, isSmoothed: false),
    chart("highQuality", "share of high quality", isLogarithmic: false, isSmoothed: false),
    chart("divergence", "KL, nats", isLogarithmic: false, isSmoothed: true),
    chart(
      "gradientNorm",
      runs.contains(where: \.isClipped) ? "gradient norm, before clipping" : "gradient norm",
      isLogarithmic: true, isSmoothed: true),
    chart("rate", "learning rate", isLogarithmic: false, isSmoothed: false),
  ].compactMap { $0 }
  return charts.isEmpty
    ? nil
    : try lineCharts(
      charts,
      labels: Labels(title: title, x: runs.allSatisfy { $0.minutes == nil } ? "steps" : "minutes"))
}
