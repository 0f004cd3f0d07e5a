import TensorCore

/// A denoiser of points: an MLP of the point and time features, with SiLU hidden layers.
///
/// Invalid sizes make its output invalid, with a message that names them.
///
/// - Parameters:
///   - dimensions: Number of coordinates of a point.
///   - width: Number of units of each hidden layer.
///   - depth: Number of hidden layers, at least 1.
///   - timeFeatures: Number of sines and cosines of the time; even, at least 2.
///   - times: Number of times T of the schedule.
///   - classes: Number of classes the network is conditioned on, or nil; each has a learned vector
///     that is added to the time features.
public func mlpDenoiser(
  dimensions: Int, width: Int, depth: Int, timeFeatures: Int, times: Int, classes: Int? = nil,
  _ parameters: Parameters
) -> Denoiser {
  let shape = [dimensions]
  guard dimensions >= 1, width >= 1, depth >= 1 else {
    let sizes = "\(dimensions) coordinates, width \(width), depth \(depth)"
    return Denoiser(shape: shape) { x, _ in
      x.failing("the sizes of an MLP must be at least 1, not \(sizes)")
    }
  }
  guard timeFeatures >= 2, timeFeatures % 2 == 0 else {
    return Denoiser(shape: shape) { x, _ in
      x.failing("the number of time features must be even and at least 2, not \(timeFeatures)")
    }
  }
  let hidden = (0..<depth).map { i in
    dense(i == 0 ? dimensions + timeFeatures : width, width, parameters["hidden\(i)"])
  }
  let output = dense(width, dimensions, parameters["output"])
  let kinds = classes.map { embedding($0, timeFeatures, parameters["class"]) }
  return Denoiser(shape: shape, classes: classes) { x, time, label in
    var features = sinusoidalFeatures(time, times: times, width: timeFeatures)
    if let kinds, let label { features = features + kinds(label) }
    let h = hidden.reduce(concatenate([x, features], axis: 1)) { silu($1($0)) }
    return output(h)
  }
}
