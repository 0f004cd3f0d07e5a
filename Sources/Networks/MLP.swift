import TensorCore

/// A network of points: an MLP of the point and time features, with SiLU hidden layers.
///
/// Invalid sizes make its output invalid, with a message that names them.
///
/// - Parameters:
///   - dimensions: Number of coordinates of a point.
///   - width: Number of units of each hidden layer.
///   - depth: Number of hidden layers, at least 1.
///   - timeFeatures: Number of sines and cosines of the time; even, at least 2.
///   - classes: Number of classes the network is conditioned on, or nil; each has a learned vector
///     that is added to the time features.
///   - hasUnknownClass: True if there is a vector for an unknown class, too.
public func mlpNetwork(
  dimensions: Int, width: Int, depth: Int, timeFeatures: Int, classes: Int? = nil,
  hasUnknownClass: Bool = false, _ parameters: Parameters
) -> DenoisingNetwork {
  let shape = [dimensions]
  guard dimensions >= 1, width >= 1, depth >= 1 else {
    let sizes = "\(dimensions) coordinates, width \(width), depth \(depth)"
    return DenoisingNetwork(shape: shape) { x, _ in
      x.failing("the sizes of an MLP must be at least 1, not \(sizes)")
    }
  }
  guard timeFeatures >= 2, timeFeatures % 2 == 0 else {
    return DenoisingNetwork(shape: shape) { x, _ in
      x.failing("the number of time features must be even and at least 2, not \(timeFeatures)")
    }
  }
  let hidden = (0..<depth).map { i in
    dense(i == 0 ? dimensions + timeFeatures : width, width, parameters["hidden\(i)"])
  }
  let output = dense(width, dimensions, parameters["output"])
  let kinds = classes.map {
    embedding($0 + (hasUnknownClass ? 1 : 0), timeFeatures, parameters["class"])
  }
  return DenoisingNetwork(shape: shape, classes: classes) { x, time, label in
    var features = sinusoidalFeatures(time, width: timeFeatures)
    if let kinds, let label { features = features + kinds(label) }
    let h = hidden.reduce(concatenate([x, features], axis: 1)) { silu($1($0)) }
    return output(h)
  }
}
