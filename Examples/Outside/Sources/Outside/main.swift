// A classifier and a variational autoencoder of bars, in a package of its own. The argument is a folder.
import Images
import TensorCore
import VAE
import WeightFiles

/// Pictures with one bright row (class 0) or column (class 1), [count, 8, 8, 1], new at every run.
func bars(_ count: Int) -> (images: Tensor, labels: Tensor) {
  let place = oneHot(floor(8 * Tensor.uniform([count], "place")), classes: 8)
  let labels = Tensor.uniform([count], "direction") < 0.5
  let rows = place.reshape([count, 8, 1, 1]).broadcast(to: [count, 8, 8, 1])
  let columns = place.reshape([count, 1, 8, 1]).broadcast(to: [count, 8, 8, 1])
  return (select(labels.reshape([count, 1, 1, 1]), columns, rows), labels)
}

/// The logits of two classes, of noisy images.
struct BarClassifier {
  let filters, head: Layer
  let dropout: Dropout
  init(_ p: Parameters) {
    filters = convolution(1, 8, size: 3, p["filters"])
    head = dense(8 * 4 * 4, 2, p["head"])
    dropout = Dropout(rate: 0.2, p["dropout"])
  }

  func features(_ x: Tensor) -> Tensor {
    maximumPooling(gelu(filters(x)), size: 2).reshape([-1, 8 * 4 * 4])
  }

  func loss(_ x: Tensor, _ labels: Tensor) -> Tensor {
    crossEntropy(logits: head(dropout.training(features(x))), labels: labels).mean()
  }

  /// Fraction of images whose class is the likelier one.
  func accuracy(_ x: Tensor, _ labels: Tensor) -> Tensor {
    let logits = head(dropout.evaluation(features(x)))
    let margin = (logits * (2 * oneHot(labels, classes: 2) - 1)).sum(1)
    return (0 < margin).mean()
  }
}

/// Minimizes a loss, and prints its first and last values.
func train(_ name: String, _ loss: Tensor, _ p: Parameters, _ n: Int, _ runtime: Runtime) throws {
  let descent = minimize(loss, p, adam(Rate(0.005)))
  let program = try runtime.compile(name, [loss], updates: descent.updates)
  for step in 1...n {
    program.run()
    if step == 1 || step == n { print(name, "step", step, "loss", try program.scalar(loss)) }
  }
}

let folder = CommandLine.arguments.dropFirst().first ?? "."
let runtime = try Runtime(seed: 1)
let (images, labels) = bars(64)
let noisy = images + 0.3 * Tensor.normal(images.shape, "noise")

let p = Parameters("classifier")
let classifier = BarClassifier(p)
try train("classifier", classifier.loss(noisy, labels), p, 200, runtime)
try runtime.save(p.variables, to: folder + "/classifier.safetensors")

// Another runtime knows nothing of the training but what the file says.
let fresh = try Runtime(seed: 2)
try fresh.load(p.variables, from: folder + "/classifier.safetensors")
let accuracy = classifier.accuracy(noisy, labels)
let judge = try fresh.compile("accuracy", [accuracy])
judge.run()
print("accuracy", try judge.scalar(accuracy))

let q = Parameters("vae")
let vae = try VariationalAutoencoder(
  shape: [8, 8, 1], network: Network(hidden: [64]), latent: .gaussian(dimension: 2),
  likelihood: .bernoulli, q)
try train("vae", vae.loss(images), q, 600, runtime)
try runtime.save(q["decoder"].part.variables, to: folder + "/decoder.safetensors")
let samples = try LatentSampler(vae, runtime, batch: 32, drawsObservations: false)
  .sample(seeds: Array(0..<32))
let pictures = try Bitmap.batch(samples, range: 0...1, height: 8, width: 8, channels: 1)
try PNG.write(sampleGrid(of: pictures, columns: 8, scale: 4), to: folder + "/bars.png")
