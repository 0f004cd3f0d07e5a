import Datasets

/// The code of the article "Points with a known density" of `Datasets`.
func drawingToyData() throws {
  let moons = try ToySet.named("moons")
  let points = moons.points(seed: 1, count: 1000, standardised: true)
  print("entropy", moons.entropy, "nats; log density at the top", moons.logDensity(0, 1))

  for step in 0..<3 {
    let rows = Batches.rows(step: step, batch: 100, count: points.count / 2, seed: 7)
    print("step", step, "visits rows", rows[0..<3])
  }
}
