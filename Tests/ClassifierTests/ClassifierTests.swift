import Classifier
import TensorCore
import Testing

/// Evaluates an expression whose variables are drawn with `seed`.
private func values(_ x: Tensor, seed: UInt64) throws -> [Float] {
  let program = try Runtime(seed: seed, threads: 1).compile("values", [x])
  program.run(at: 0)
  return try program.values(x)
}

private func classifier(
  _ shape: [Int] = [5, 6, 2], classes: Int = 3, shift: Double = 0
) throws -> ImageClassifier {
  try ImageClassifier(
    shape: shape, layers: Layers(channels: [4, 3], features: 5), classes: classes, shift: shift,
    Parameters("classifier"))
}

@Suite struct ClassifierTests {
  @Test func shapes() throws {
    let model = try classifier()
    let x = Tensor.input("x", [7, 5, 6, 2])
    let features = model.features(x)
    #expect(features.shape == [7, 5] && model.width == 5)
    #expect(model.logits(features: features).shape == [7, 3])
    let wrong = model.features(.input("x", [7, 6, 5, 2]))
    #expect(wrong.failure == "a classifier of examples [5, 6, 2] given [7, 6, 5, 2]")
  }

  /// The loss is the log-sum-exp of the logits minus the logit of the label.
  @Test(arguments: 1...3 as ClosedRange<UInt64>) func crossEntropy(seed: UInt64) throws {
    let model = try classifier()
    let x = Tensor.normal([4, 5, 6, 2], "x")
    let labels = [0, 2, 1, 2]
    let logits = model.logits(features: model.features(x))
    let verdict = model.judge(x, .literal(labels.map { Double($0) }, [4]))
    let all = concatenate(
      [logits.reshape([12]), verdict.loss, verdict.isCorrect], axis: 0)
    let found = try values(all, seed: seed).map { Double($0) }
    for (i, label) in labels.enumerated() {
      let row = Array(found[3 * i..<3 * i + 3])
      let expected = row.reduce(0) { $0 + $1.exponential }.logarithm - row[label]
      #expect(abs(found[12 + i] - expected) < 1e-5, "seed \(seed)")
      #expect(found[16 + i] == (row[label] == row.max() ? 1 : 0), "seed \(seed)")
    }
  }

  /// Training teaches the classifier which half of an image is bright.
  @Test func trainingReducesTheError() throws {
    let runtime = try Runtime(seed: 5, threads: 2)
    let parameters = Parameters("classifier")
    let model = try ImageClassifier(
      shape: [6, 6, 1], layers: Layers(channels: [4, 4], features: 8), classes: 2, shift: 1,
      parameters)
    let y = floor(2 * Tensor.uniform([64], "label"))
    let left = Tensor.literal((0..<6).map { $0 < 3 ? 1 : -1 }, [1, 1, 6, 1])
    let x =
      (2 * y - 1).reshape([64, 1, 1, 1]) * left.broadcast(to: [64, 6, 6, 1])
      + 0.5 * Tensor.normal([64, 6, 6, 1], "noise")
    let objective = model.objective(x, y)
    let train = try runtime.compile(
      "train", [objective.loss, objective.accuracy],
      updates: minimize(objective.loss, parameters, adam(Rate(1e-2))).updates)
    train.run()
    let before = try train.scalar(objective.loss)
    for _ in 0..<100 { train.run() }
    #expect(try train.scalar(objective.loss) < 0.1 * before)
    #expect(try train.scalar(objective.accuracy) > 0.98)
  }

  @Test(arguments: [
    (Layers(channels: [], features: 4), [4, 4, 1], 2, 0.0, "at least one convolution"),
    (Layers(channels: [2, 0], features: 4), [4, 4, 1], 2, 0, "not [2, 0] and 4"),
    (Layers(channels: [2], features: 4), [2], 2, 0, "needs images, but the data are points"),
    (Layers(channels: [2], features: 4), [4, 4, 1], 1, 0, "at least 2 classes, not 1"),
    (Layers(channels: [2], features: 4), [4, 4, 1], 2, -1, "at least 0 pixels, not -1"),
  ])
  func errorsNameTheProblem(
    _ layers: Layers, _ shape: [Int], _ classes: Int, _ shift: Double, _ message: String
  ) {
    let error = #expect(throws: TensorError.self) {
      _ = try ImageClassifier(
        shape: shape, layers: layers, classes: classes, shift: shift, Parameters("c"))
    }
    #expect("\(error, default: "")".contains(message))
  }
}

@Suite struct ShiftTests {
  private let height = 6, width = 7

  /// An image of h + w and one that is bright in one place, many times each.
  private func shifted(_ image: [Double], shift: Double, seed: UInt64) throws -> [[Double]] {
    let model = try classifier([height, width, 1], shift: shift)
    let count = 50
    let x = Tensor.literal(image, [1, height, width, 1])
      .broadcast(to: [count, height, width, 1])
    let values = try values(model.shifted(x + 0), seed: seed).map { Double($0) }
    return stride(from: 0, to: values.count, by: height * width).map {
      Array(values[$0..<$0 + height * width])
    }
  }

  /// A shifted ramp is lower by the distance, except at the repeated edges.
  @Test(arguments: 1...3 as ClosedRange<UInt64>) func rampsShift(seed: UInt64) throws {
    let down = (0..<height * width).map { Double($0 / width) }
    let right = (0..<height * width).map { Double($0 % width) }
    for (ramp, axis) in [(down, 0), (right, 1)] {
      var distances: [Double] = []
      for image in try shifted(ramp, shift: 2, seed: seed) {
        let middle = 2 * width + 3
        let distance = ramp[middle] - image[middle]
        distances.append(distance)
        for (place, value) in image.enumerated() {
          let expected = min(
            max(ramp[place] - distance, 0), Double((axis == 0 ? height : width) - 1))
          #expect(abs(value - expected) < 1e-5, "seed \(seed)")
        }
      }
      #expect(distances.allSatisfy { abs($0) <= 2.00001 }, "seed \(seed)")
      #expect((distances.max() ?? 0) > 1.2 && (distances.min() ?? 0) < -1.2, "seed \(seed)")
    }
  }

  /// Pixels far from the edges keep their sum.
  @Test func interpolationKeepsTheSum() throws {
    var image = [Double](repeating: 0, count: height * width)
    image[3 * width + 3] = 1
    for moved in try shifted(image, shift: 1.5, seed: 9) {
      #expect(abs(moved.reduce(0, +) - 1) < 1e-5)
    }
    #expect(try shifted(image, shift: 0, seed: 9).allSatisfy { $0 == image })
  }
}
