import TensorCore

/// A denoiser of points: the point and features of the time through `depth` hidden layers with SiLU.
///
/// - Parameters:
///   - dimensions: Coordinates of a point.
///   - width: Units of each hidden layer.
///   - depth: Hidden layers, at least 1.
///   - timeFeatures: Sines and cosines of the time, an even number.
///   - times: T of the schedule.
public func mlpDenoiser(
  dimensions: Int, width: Int, depth: Int, timeFeatures: Int, times: Int, _ parameters: Parameters
) -> Denoiser {
  let hidden = (0..<depth).map { i in
    dense(i == 0 ? dimensions + timeFeatures : width, width, parameters["hidden\(i)"])
  }
  let output = dense(width, dimensions, parameters["output"])
  return Denoiser(shape: [dimensions]) { x, time in
    let features = sinusoidalFeatures(time, times: times, width: timeFeatures)
    let h = hidden.reduce(concatenate([x, features], axis: 1)) { silu($1($0)) }
    return output(h)
  }
}
