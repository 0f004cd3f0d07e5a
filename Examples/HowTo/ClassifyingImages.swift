import Classifier
import TensorCore

/// The code of the article "Classifying images" of `Classifier`.
func classifyingImages() throws {
  let p = Parameters("classifier")
  let classifier = try ImageClassifier(
    shape: [8, 8, 1], layers: Layers(channels: [4, 8], features: 16), classes: 2, p)
  let labels = Tensor.uniform([64], "label") < 0.5
  let brightness = labels.reshape([64, 1, 1, 1]) - 0.5
  let images = brightness + 0.2 * .normal([64, 8, 8, 1], "noise")
  let (loss, accuracy) = classifier.objective(images, labels)

  let runtime = try Runtime(seed: 0)
  let descent = minimize(loss, p, adam(Rate(0.005)))
  let step = try runtime.compile("train", [loss, accuracy], updates: descent.updates)
  for _ in 1...50 { step.run() }
  print("accuracy", try step.scalar(accuracy))
}
