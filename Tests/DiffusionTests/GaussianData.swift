import Diffusion
import Networks
import TensorCore

/// Data N(m, c²) in each coordinate, with the exact denoiser.
struct GaussianData {
  var mean = 0.0
  var deviation = 0.5

  /// The variance of x at a level.
  func variance(_ level: NoiseLevel) -> Double {
    let signal = level.signal * deviation
    return signal * signal + level.noise * level.noise
  }

  /// E[x_0 | x].
  func clean(_ x: Double, _ level: NoiseLevel) -> Double {
    mean + level.signal * deviation * deviation / variance(level) * (x - level.signal * mean)
  }

  /// E|ε - E[ε|x]|² at a level: a² c²/(a² c² + s²).
  func noiseError(_ level: NoiseLevel) -> Double {
    level.signal * deviation * level.signal * deviation / variance(level)
  }

  /// E[target | x], as the output of a network.
  func output(_ x: Tensor, _ target: Target, _ signal: Tensor, _ noise: Tensor) -> Tensor {
    let square = deviation * deviation
    let rest = (x - mean * signal) / (square * signal.squared() + noise.squared())
    return target.value(mean + square * signal * rest, noise * rest, signal, noise)
  }

  /// The exact denoiser, which knows the level from the network's time by `levels`.
  func denoiser(
    _ path: NoisePath, _ target: Target,
    levels: @escaping @Sendable (_ time: Tensor) -> (signal: Tensor, noise: Tensor)
  ) -> Denoiser {
    let data = self
    return Denoiser(
      DenoisingNetwork(shape: [2]) { x, time in
        let (signal, noise) = levels(time.reshape([-1, 1]))
        return data.output(x, target, signal, noise)
      }, target: target, path: path)
  }

  /// The exact denoiser on the cosine path.
  func cosineDenoiser(_ target: Target) -> Denoiser {
    denoiser(.cosine, target) { (cos(.pi / 2000 * $0), sin(.pi / 2000 * $0)) }
  }

  /// The exact denoiser on the straight path.
  func straightDenoiser(_ target: Target) -> Denoiser {
    denoiser(.straight, target) { time in
      let t = 0.001 * time
      let size = sqrt((1 - t).squared() + t.squared())
      return ((1 - t) / size, t / size)
    }
  }

  /// The exact denoiser at the whole times of a schedule.
  func denoiser(_ schedule: NoiseSchedule, _ target: Target) -> Denoiser {
    denoiser(NoisePath(schedule), target) { time in
      func column(_ values: [Double]) -> Tensor {
        .literal(Array(values.dropFirst()), [schedule.times, 1]).gather(time.reshape([-1]))
      }
      return (column(schedule.alphaBar), column(schedule.betaBar))
    }
  }
}
