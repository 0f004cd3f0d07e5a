import Domains
import Experiments

/// The files of a run.
package struct RunPaths: Equatable, Sendable {
  /// The folder of the run.
  package let folder: String

  /// Names the files of the run in `folder`.
  package init(_ folder: String) {
    self.folder = folder.count > 1 && folder.hasSuffix("/") ? String(folder.dropLast()) : folder
  }

  /// The resolved experiment.
  package var experiment: String { folder + "/experiment.yaml" }
  /// The figures of the training, a line each; equal runs give equal bytes.
  package var metrics: String { folder + "/metrics.jsonl" }
  /// The wall-clock figures, which no two runs share.
  package var timings: String { folder + "/timings.jsonl" }
  /// The weights and all else that a resumed run needs.
  package var checkpoint: String { folder + "/checkpoint.safetensors" }
  /// The folder of the sheets drawn during training.
  package var samples: String { folder + "/samples" }
  /// The sheet drawn last.
  package var latestSample: String { picture(Drawing.latestSample) }
  /// The sheet of the finished run.
  package var finalSample: String { picture(Drawing.finalSample) }
  /// A picture of the finished run.
  package func picture(_ name: String) -> String { folder + "/" + name }
  /// Samples and the training examples nearest to them, for a way to choose latent variables.
  package func neighbours(_ draw: String) -> String {
    guard draw != "plain" else { return folder + "/neighbours.png" }
    return folder + "/neighbours-" + draw.replacing(":", with: "-") + ".png"
  }
  /// Loss, gradient norm and learning rate over steps.
  package var curves: String { folder + "/curves.png" }
  /// The sheet that `sample` draws unless told otherwise.
  package var drawnSample: String { samples + "/drawn.png" }

  /// The picture that shows what a finished run of a model came to.
  package func result(of model: any ModelSettings) -> String {
    picture(model.resultPicture)
  }

  /// The sheet drawn after `step` steps, with at least six digits.
  package func sample(step: Int) -> String {
    let digits = "\(step)"
    return samples + "/" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits + ".png"
  }

  var lock: String { folder + "/.lock" }
}
