/// The initial weights of a layer.
///
/// Uniform on ±sqrt(3 scale / n), where n is the mean of the numbers of inputs and outputs (Glorot
/// and Bengio 2010, eq. 16, for scale 1), so that the weights' variance is scale / n. A scale of 0
/// starts a layer at zero.
func varianceScaling(_ shape: [Int], inputs: Int, outputs: Int, scale: Double) -> Tensor {
  guard scale > 0 else { return .zeros(shape) }
  let limit = (6 * scale / Double(inputs + outputs)).squareRoot()
  return limit * (2 * Tensor.uniform(shape, "initial") - 1)
}
