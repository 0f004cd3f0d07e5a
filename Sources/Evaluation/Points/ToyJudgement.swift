import Datasets
import Domains
import Experiments
import Quality
import Sampling
import Support

extension Run {
  /// The figures of `count` fresh samples, seeds from 0; for 2-D sets whose density is known.
  ///
  /// - Throws: `FigmentError` for other runs.
  package func toyReport(
    count: Int, latent: LatentDraw = .plain,
    observe: ((_ done: Int, _ samples: [Float]) throws -> Void)? = nil
  ) throws -> ToyReport {
    guard case .points(let plane) = domain, let set = plane.set else {
      throw FigmentError(
        "points are judged by a set whose density is known; \(experiment.name) was trained on "
          + printable(experiment.data))
    }
    let drawn = try sample(
      seeds: (0..<count).map { UInt64($0) }, latent: latent, observe: observe)
    return try ToyReport(dataCoordinates(drawn, plane), set)
  }
}
