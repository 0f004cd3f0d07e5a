import Classifier
import Domains
import Images
import TensorCore

/// Pictures of a classifier: its confusion matrix.
extension Drawing {
  static let confusion = "confusion.png"

  /// Draws the confusion matrix, a row per class and a column per prediction: each cell has the
  /// count and the image with the most confident prediction.
  func drawConfusion(_ run: Run, _ model: ImageClassifier, _ data: TrainingData) throws {
    let images = try LabelledTable(data, run.experiment)
    let predictions = try Predictor(model, run.runtime, run.reading)(images.table)
    var counts = [Int](repeating: 0, count: model.classes * model.classes)
    var surest = [(image: Int, confidence: Double)?](repeating: nil, count: counts.count)
    for image in images.labels.indices {
      let (label, confidence) = predictions.verdict(image)
      let cell = Int(images.labels[image]) * model.classes + label
      counts[cell] += 1
      if confidence > surest[cell]?.confidence ?? -1 { surest[cell] = (image, confidence) }
    }
    let (height, width, channels) = (model.shape[0], model.shape[1], model.shape[2])
    let scale = pictures.enlargement
    let empty = Bitmap(
      width: width * scale, height: height * scale, channels: channels, fill: 235)
    let cells = try counts.indices.map { cell -> Panel in
      guard let image = surest[cell]?.image else { return Panel("", empty) }
      let size = height * width * channels
      let bytes = Array(images.table.bytes[image * size..<(image + 1) * size])
      let picture = try Bitmap(bytes, height: height, width: width, channels: channels)
      return Panel("\(counts[cell])", picture.scaled(by: scale))
    }
    let right = (0..<model.classes).reduce(0) { $0 + counts[$1 * model.classes + $1] }
    let title =
      "\(right) of \(predictions.count) right; rows: what images are, columns: what they were "
      + "taken for, each with the surest one"
    try write(
      try panels(cells, columns: model.classes, title: title), to: Self.confusion)
  }
}
