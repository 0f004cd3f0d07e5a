import Experiments
import Images
import Support

/// Metadata stored in every picture.
///
/// - Parameter sampling: Settings of the reverse process, for pictures of samples that have one.
package func pictureText(
  _ experiment: Experiment, step: Int, command: String, sampling: SamplingSettings.Reverse? = nil
) -> PNG.Text {
  let common: PNG.Text = [
    ("Software", "figment \(figmentVersion)"), ("figment.experiment", experiment.yaml),
    ("figment.seed", "\(experiment.seed)"), ("figment.step", "\(step)"),
    ("figment.command", command),
  ]
  return common + (sampling?.pictureText ?? [])
}
