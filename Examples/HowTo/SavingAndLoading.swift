import TensorCore
import WeightFiles

/// The code of the article "Saving and loading weights" of `WeightFiles`.
func savingAndLoading(_ path: String) throws {
  let x = Tensor.literal([1, 2, 3, 4], [1, 4])
  let encoder = Parameters("encoder")
  let layer = dense(4, 2, encoder["first"])
  let runtime = try Runtime(seed: 1)
  try runtime.save(encoder.variables, to: path)

  let other = Parameters("copy")
  let copy = dense(4, 2, other["first"])
  let fresh = try Runtime(seed: 2)
  try fresh.load(other.variables, from: path, others: .ignored) { name in
    "encoder" + name.dropFirst("copy".count)
  }
  print("loaded", copy(x).shape, layer(x).shape)
}
