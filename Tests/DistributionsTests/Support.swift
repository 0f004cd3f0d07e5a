import Glibc

/// Parses the rows of a table written by a script in Golden.
func rows(of table: String) -> [[Double]] {
  table.split(separator: "\n").map { line in line.split(separator: " ").compactMap { Double($0) } }
}

/// |value - expected| / max(floor, |expected|).
func error(_ value: Double, _ expected: Double, floor: Double = 0) -> Double {
  value == expected ? 0 : abs(value - expected) / max(floor, abs(expected))
}

/// Mean, and the standard error of the mean.
func average(_ values: some Collection<Double>) -> (mean: Double, error: Double) {
  let count = Double(values.count)
  let mean = values.reduce(0, +) / count
  let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
  return (mean, (squares / count / (count - 1)).squareRoot())
}

/// True to run tests that take minutes.
let longTests = getenv("FIGMENT_LONG_TESTS") != nil
