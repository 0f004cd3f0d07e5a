import Images
import Support

extension SamplingSettings.Reverse {
  /// Metadata of a picture of samples: the sampler and its work per sample.
  package var pictureText: PNG.Text {
    var text: PNG.Text = [("figment.sampler", method.rawValue), ("figment.steps", "\(steps)")]
    if method == .ddim, eta > 0 { text.append(("figment.eta", decimal(eta))) }
    if let guidance { text.append(("figment.guidance", decimal(guidance))) }
    text += [("figment.visits", "\(visits)"), ("figment.evaluations", "\(evaluations)")]
    return text
  }

  /// The metadata in one line, such as "ddim, 50 steps, 100 network evaluations per sample, guidance
  /// 1.5"; nil if a picture has none.
  package static func line(of text: PNG.Text) -> String? {
    func value(_ key: String) -> String? { text.first { $0.key == "figment." + key }?.value }
    guard let sampler = value("sampler"), let steps = value("steps"), let visits = value("visits"),
      let evaluations = value("evaluations")
    else { return nil }
    let words = [
      sampler, "\(steps) \(steps == "1" ? "step" : "steps")",
      "\(visits) \(visits == "1" ? "visit" : "visits") and "
        + "\(evaluations) network \(evaluations == "1" ? "evaluation" : "evaluations") per sample",
    ]
    let options = ["eta", "guidance"].compactMap { key in value(key).map { "\(key) \($0)" } }
    return (words + options).joined(separator: ", ")
  }
}
