import Experiments
import Images
import Support

/// Metadata stored in every picture.
package func pictureText(_ experiment: Experiment, step: Int, command: String) -> PNG.Text {
  [
    ("Software", "figment \(figmentVersion)"), ("figment.experiment", experiment.yaml),
    ("figment.seed", "\(experiment.seed)"), ("figment.step", "\(step)"),
    ("figment.command", command),
  ]
}
