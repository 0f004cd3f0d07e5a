import Datasets
import Domains
import Experiments
import Quality
import Sampling
import Support

extension Run {
  /// Metrics of `count` fresh samples with seeds from 0, for 2-D sets with a known density.
  ///
  /// - Throws: `FigmentError` for other runs.
  package func toyReport(
    count: Int, latent: LatentDraw = .plain, _ request: SampleRequest = SampleRequest(),
    observe: ((_ done: Int, _ samples: [Float]) throws -> Void)? = nil
  ) throws -> ToyReport {
    guard case .points(let plane) = domain, let set = plane.set else {
      throw FigmentError(
        "evaluate: needs a 2-D set with a known density; \(experiment.name) was trained on "
          + printable(experiment.data))
    }
    let drawn = try sample(
      seeds: (0..<count).map { UInt64($0) }, latent: latent, request, observe: observe)
    return try ToyReport(dataCoordinates(drawn, plane), set)
  }
}
