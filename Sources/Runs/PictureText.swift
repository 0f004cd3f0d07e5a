import Experiments
import Images
import Support

/// What every picture carries.
package func pictureText(_ experiment: Experiment, step: Int, command: String) -> PNG.Text {
  [
    ("Software", "figment \(figmentVersion)"), ("figment.experiment", experiment.yaml),
    ("figment.seed", "\(experiment.seed)"), ("figment.step", "\(step)"),
    ("figment.command", command),
  ]
}
