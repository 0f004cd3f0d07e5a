import Configuration

/// Registry of every kind of model, one line each.
package enum ModelKinds {
  static let all: [Schema<any ModelSettings>.Kind] = [
    kind(DDPMSettings.self),
    kind(VAESettings.self),
    kind(WGANSettings.self),
    kind(ClassifierSettings.self),
    kind(NormalizingFlowSettings.self),
    kind(FlowMatchingSettings.self),
  ]

  /// The values of `model.kind`.
  package static let words = all.map(\.word)

  static let schema = Schema<any ModelSettings>(
    choosing: "kind", among: all, aliases: ["type"], "Kind of model.")

  /// Clause that holds for the kinds of model that satisfy a predicate.
  static func clause(_ holds: (any ModelSettings) -> Bool) -> Clause {
    let words = all.filter { holds($0.initial) }.map(\.word)
    return Clause("model.kind", words, wording: "models of kind: \(enumerated(words))")
  }

  private static func kind<Settings: ModelSettings>(
    _ type: Settings.Type
  ) -> Schema<any ModelSettings>.Kind {
    .init(
      type.kind, Settings(), type.schema, type.help, whole: { $0 }, part: { $0 as? Settings })
  }
}
