import Domains
import Experiments

/// Paths of the files of a run.
package struct RunPaths: Equatable, Sendable {
  /// The folder of the run.
  package let folder: String

  /// Paths of the run in `folder`.
  package init(_ folder: String) {
    self.folder = folder.count > 1 && folder.hasSuffix("/") ? String(folder.dropLast()) : folder
  }

  /// The resolved experiment.
  package var experiment: String { folder + "/experiment.yaml" }
  /// Metrics of the training, one line each; equal runs give equal bytes.
  package var metrics: String { folder + "/metrics.jsonl" }
  /// Wall-clock times, which differ from run to run.
  package var timings: String { folder + "/timings.jsonl" }
  /// The weights and everything else needed to resume.
  package var checkpoint: String { folder + "/checkpoint.safetensors" }
  /// Folder of the sample grids drawn during training.
  package var samples: String { folder + "/samples" }
  /// The latest sample grid.
  package var latestSample: String { picture(Drawing.latestSample) }
  /// The sample grid of the finished run.
  package var finalSample: String { picture(Drawing.finalSample) }
  /// A picture of the finished run.
  package func picture(_ name: String) -> String { folder + "/" + name }
  /// Sample grid and their nearest training examples, for a choice of latent variables.
  package func neighbours(_ draw: String) -> String {
    guard draw != "plain" else { return folder + "/neighbours.png" }
    return folder + "/neighbours-" + draw.replacing(":", with: "-") + ".png"
  }
  /// Loss, gradient norm and learning rate over steps.
  package var curves: String { folder + "/curves.png" }
  /// Default output of `sample`.
  package var drawnSample: String { samples + "/drawn.png" }

  /// The main result picture of a finished run.
  package func result(of model: any ModelSettings) -> String {
    picture(model.resultPicture)
  }

  /// Sample grid drawn after `step` steps, numbered with at least six digits.
  package func sample(step: Int) -> String {
    let digits = "\(step)"
    return samples + "/" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits + ".png"
  }

  var lock: String { folder + "/.lock" }
}
