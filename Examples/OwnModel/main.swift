// A normalising flow (Dinh et al. 2017) of two moons, from the expressions up. docs/your-own-model.md walks through it.
import TensorCore

/// The data, drawn inside the program: fresh points at every run.
func moons(_ count: Int) -> Tensor {
  let t = Double.pi * Tensor.uniform([count, 1], "angle")
  let isUpper = Tensor.uniform([count, 1], "moon") < Tensor(0.5)
  let x = select(isUpper, cos(t), 1 - cos(t))
  let y = select(isUpper, sin(t), 0.5 - sin(t))
  return concatenate([x, y], axis: 1) + 0.1 * Tensor.normal([count, 2], "noise")
}

/// One invertible layer: a coordinate is shifted and scaled by what the other one says.
struct Coupling {
  let kept: Int
  let network: Layer

  init(_ kept: Int, width: Int, _ p: Parameters) {
    self.kept = kept
    let (a, b) = (dense(1, width, p["a"]), dense(width, width, p["b"]))
    let c = dense(width, 2, p["c"])
    network = Layer(p) { c(silu(b(silu(a($0))))) }
  }

  private func column(_ i: Int, _ x: Tensor) -> Tensor { x.slice(axis: 1, from: i, count: 1) }

  /// The shift and the log scale, and the layer's result: `moved` gives it the other coordinate.
  private func apply(_ x: Tensor, moved: (Tensor, Tensor, Tensor) -> Tensor) -> (Tensor, Tensor) {
    let h = network(column(kept, x))
    let scale = 2 * tanh(column(1, h))
    let other = moved(column(1 - kept, x), column(0, h), scale)
    return (
      concatenate(kept == 0 ? [column(0, x), other] : [other, column(1, x)], axis: 1), scale
    )
  }

  /// Maps data to noise, with minus the log determinant.
  func forward(_ x: Tensor) -> (Tensor, Tensor) { apply(x) { ($0 - $1) * exp(-$2) } }

  /// Maps noise to data.
  func inverse(_ z: Tensor) -> Tensor { apply(z) { $0 * exp($2) + $1 }.0 }
}

let p = Parameters("flow")
let layers = (0..<8).map { Coupling($0 % 2, width: 48, p["\($0)"]) }

// -log p(x) = -log N(f(x)) - log |det f'(x)|, in nats; 1.8379 is log(2 pi).
var (z, shrinking) = (moons(256), Tensor.zeros([256, 1]))
for layer in layers {
  let (next, scale) = layer.forward(z)
  (z, shrinking) = (next, shrinking + scale)
}
let loss = (0.5 * z.squared()).sum(1).mean() + 1.837_877 + shrinking.mean()
let descent = minimize(loss, p, chain(clip(globalNorm: 1), adam(Rate(0.004).cosine(until: 3000))))

let runtime = try Runtime(seed: 0)
let train = try runtime.compile("train", [loss], updates: descent.updates)
print("\(p.count) parameters; the entropy of the data is 1.008 nats, and no loss is below it")
var mean: Float = 0
for step in 1...3000 {
  train.run()
  mean += try train.scalar(loss) / 500
  if step % 500 == 0 {
    print("step \(step): loss \((mean * 1000).rounded() / 1000) nats")
    mean = 0
  }
}

let samples = layers.reversed().reduce(Tensor.normal([2000, 2], "z")) { $1.inverse($0) }
let draw = try runtime.compile("draw", [samples])
draw.run()
let values = try draw.values(samples)
var picture = Array(repeating: Array(repeating: 0, count: 64), count: 20)
for i in 0..<2000 {
  let (column, row) = (Int((values[2 * i] + 1.6) * 15), Int((1.6 - values[2 * i + 1]) * 7.4))
  if (0..<64).contains(column), (0..<20).contains(row) { picture[row][column] += 1 }
}
for row in picture { print(String(row.map { $0 == 0 ? " " : $0 < 3 ? "." : $0 < 8 ? "o" : "#" })) }
