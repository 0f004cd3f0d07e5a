import Configuration
import Experiments
import Foundation
import TensorCore
import TestSupport
import Testing

/// A file of the project, by its path from the root.
private func project(_ path: String) throws -> String {
  let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../..").standardized
  return try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
}

/// A key of an experiment with a value, in a file in which it exists, unless told otherwise.
private struct Trial: CustomTestStringConvertible, Sendable {
  let place: MappingDescription.Place
  let value: String
  /// Values of other keys, by path.
  var choices: [String: String] = [:]

  var testDescription: String { "\(place.path): \(value) where \(choices)" }

  init(_ place: MappingDescription.Place, _ value: String) {
    (self.place, self.value) = (place, value)
    var next: MappingDescription.Place? = place
    while let place = next {
      for clause in place.clauses {
        let local = place.mapping.isEmpty ? clause.key : place.mapping + "." + clause.key
        choices[clause.key.contains(".") ? clause.key : local] = clause.words[0]
      }
      next = places.first { $0.path == place.mapping }
    }
  }

  /// The file, one key per line, and the line of the key.
  var file: (yaml: String, line: Int) {
    let kind = choices["model.kind"] ?? (place.path == "model.kind" ? value : "ddpm")
    let isOfImages = ["vae", "classifier"].contains(kind)
    var values = ["name": "a", "data": isOfImages ? "mnist" : "moons", "steps": "10"]
    values["model.kind"] = kind
    if ["ddpm", "flow-matching"].contains(kind) { values["model.network"] = "mlp" }
    if kind == "vae" { values["model.latent"] = "2" }
    values.merge(choices) { $1 }
    values[place.path] = value
    var lines: [String] = []
    var keyLine = 0
    func write(_ prefix: String, _ indentation: String) {
      let inner = values.keys.filter { $0.hasPrefix(prefix) }
      let names = Set(inner.map { String($0.dropFirst(prefix.count).prefix { $0 != "." }) })
      for name in names.sorted() {
        let path = prefix + name
        lines.append(indentation + name + ":" + (values[path].map { " " + $0 } ?? ""))
        if path == place.path { keyLine = lines.count }
        if values[path] == nil { write(path + ".", indentation + "  ") }
      }
    }
    write("", "")
    return (lines.joined(separator: "\n") + "\n", keyLine)
  }

  /// The error of reading the file, or nil.
  var message: String {
    failure { _ = try Experiment(yaml: file.yaml, file: "e.yaml") }
  }
}

private let schemaOfEditors = ExperimentPage.jsonSchema
private let places = Experiment.description.places

@Suite struct SchemaTests {
  @Test func everyKeyIsThere() {
    #expect(places.count > 70)
    for path in [
      "name", "seed", "model.kind", "model.slope", "model.consistency.weight", "optimizer.nesterov",
      "optimizer.lookahead.state", "sampling.eta", "sampling.guidance", "report.metricsEvery",
      "model.target", "model.trainingTimes", "model.labelDropout", "model.patch", "model.path",
    ] {
      #expect(places.contains { $0.path == path }, "\(path)")
    }
  }

  @Test(arguments: places)
  fileprivate func everyKeyIsExplained(_ place: MappingDescription.Place) {
    let help = place.key.help
    #expect(help.count >= 12 && help.hasSuffix(".") && !help.contains("\n"), "\(place.path)")
    #expect(help.first?.isUppercase ?? false, "\(place.path): \(help)")
    #expect(ExperimentPage.listing.contains("\n\(place.path): ") || place.path == "name")
    #expect(ExperimentPage.listing(of: place.path)?.contains(help) ?? false, "\(place.path)")
    #expect(ExperimentPage.markdown.contains("| `\(place.key.name)` | "), "\(place.path)")
  }

  /// A condition that no file can meet would hide a key.
  @Test(arguments: places)
  fileprivate func everyClauseRefersToAnExistingChoice(_ place: MappingDescription.Place) {
    for clause in place.clauses + [place.key.exception?.clause].compactMap({ $0 }) {
      let chosen = places.filter { other in
        other.path == clause.key || other.mapping == place.mapping && other.key.name == clause.key
      }
      #expect(
        chosen.contains { other in
          guard case .word(let words) = other.key.form else { return false }
          return clause.words.allSatisfy(words.contains)
        }, "\(place.path): \(clause.text)")
    }
  }

  /// Values that the schema excludes, each with the reason.
  private static func outside(_ form: Form) -> [String] {
    switch form {
    case .integer(let range, let factor, let limit):
      return ["\(range.lowerBound - 1)", "\(range.upperBound + 1)", "1.5", "many", "\"3\"", "[3]"]
        + (factor == 2 ? ["\(range.lowerBound + 1)"] : []) + (limit == nil ? [] : ["1001"])
    case .unsigned: return ["-1", "1.5", "x"]
    case .number(let range):
      let (low, high) = Form.bounds(range)
      return [".nan", "many", "true"]
        + [
          low.map { $0.isExcluded ? $0.value : $0.value - max(1e-13, abs($0.value) / 4) },
          high.map { $0.isExcluded ? $0.value : $0.value + max(1e-13, abs($0.value) / 4) },
        ].compactMap { $0.map { "\($0)" } }
    case .bool: return ["yes", "1", "x"]
    case .word: return ["no-such-word", "3", "[a]"]
    case .text: return ["no such thing", "3"]
    case .integers(let range, let count):
      let few = Array(repeating: "\(range.lowerBound)", count: count.lowerBound)
      let many = Array(repeating: "\(range.lowerBound)", count: count.upperBound + 1)
      func list(_ values: [String]) -> String { "[" + values.joined(separator: ", ") + "]" }
      return [
        list(["\(range.lowerBound - 1)"]), list(["\(range.upperBound + 1)"]), list(["x"]), "3",
        list(many),
      ] + (count.lowerBound > 0 ? [list(Array(few.dropLast()))] : [])
    case .mapping: return ["3", "[a]", "{no-such-key: 3}"]
    }
  }

  private static func trials(
    _ values: (Form) -> [String]
  ) -> [Trial] {
    places.flatMap { place -> [Trial] in
      var trials = values(place.key.form).map { Trial(place, $0) }
      if let exception = place.key.exception {
        // The key's range is the one without the exception.
        let path = place.mapping + "." + exception.clause.key
        for i in trials.indices { trials[i].choices[path] = "convolutional" }
        trials += values(exception.form).map { value in
          var trial = Trial(place, value)
          trial.choices[path] = exception.clause.words[0]
          return trial
        }
      }
      return trials
    }
  }

  @Test(arguments: trials(outside))
  fileprivate func valuesOutOfRangeAreRefusedWithTheirLine(_ trial: Trial) throws {
    let (yaml, line) = trial.file
    let message = trial.message
    #expect(message.hasPrefix("e.yaml:\(line): \(trial.place.path)"), "\(message)\n\(yaml)")
    #expect(
      message.contains("expected ") || message.contains("no-such-key"), "\(message)\n\(yaml)")
    // The limit is in another mapping, which a JSON Schema cannot compare with.
    if trial.value != "1001" {
      #expect(try !JSONSchemaCheck(schemaOfEditors).accepts(yaml), "\(yaml)")
    }
  }

  private static func bounds(_ form: Form) -> [String] {
    switch form {
    case .integer(let range, _, let limit):
      ["\(range.lowerBound)", limit == nil ? "\(range.upperBound)" : "1000"]
    case .unsigned: ["0", "18446744073709551615"]
    case .number(let range): ["\(range.lowerBound)", "\(range.upperBound)"]
    case .bool: ["true", "false"]
    case .word(let words): words
    case .text: []
    case .integers(let range, let count):
      [range.lowerBound, range.upperBound].map { value in
        let list = Array(repeating: "\(value)", count: max(1, count.lowerBound))
        return "[" + list.joined(separator: ", ") + "]"
      }
    case .mapping: []
    }
  }

  /// The model may not fit the data; then the value is not reported.
  @Test(arguments: trials(bounds))
  fileprivate func valuesAtBoundsAreAccepted(_ trial: Trial) throws {
    let message = trial.message
    #expect(!message.contains("\(trial.place.path): expected"), "\(message)\n\(trial.file.yaml)")
    #expect(!message.contains("unknown key"), "\(message)\n\(trial.file.yaml)")
    // Requirements of values on other keys are not tested here.
    if trial.place.path != "model.kind" {
      #expect(
        try JSONSchemaCheck(schemaOfEditors).accepts(trial.file.yaml),
        "\(trial.file.yaml)")
    }
  }

  /// Every key that exists for some choices only, under every other value of each choice.
  private static let elsewhere: [Trial] = places.flatMap { place -> [Trial] in
    place.clauses.flatMap { clause -> [Trial] in
      let mapping = clause.key.contains(".") || place.mapping.isEmpty ? "" : place.mapping + "."
      let chosen = places.first { other in
        other.path == mapping + clause.key
          && (other.clauses.isEmpty || other.clauses.first == place.clauses.first)
      }
      guard case .word(let words)? = chosen?.key.form else { return [] }
      let having = places.filter { $0.path == place.path }.flatMap(\.clauses)
        .filter { $0.key == clause.key }.flatMap(\.words)
      let around = places.first { $0.path == place.mapping }?.clauses
        .first { $0.key == clause.key }?.words
      let others = words.filter { !clause.words.contains($0) && !having.contains($0) }
      return others.filter { around?.contains($0) ?? true }.map { word in
        var trial = Trial(place, bounds(place.key.form).first ?? "{}")
        // The other choices belong to the kind that is absent.
        if clause.key == "kind" { trial.choices = [:] }
        trial.choices[mapping + clause.key] = word
        return trial
      }
    }
  }

  @Test func thereAreKeysElsewhere() { #expect(Self.elsewhere.count > 80) }

  @Test(arguments: elsewhere)
  fileprivate func keysOfOtherChoicesStateTheirCondition(_ trial: Trial) throws {
    let (yaml, line) = trial.file
    let message = trial.message
    let start = "e.yaml:\(line): \(trial.place.path): "
    #expect(try !JSONSchemaCheck(schemaOfEditors).accepts(yaml), "\(yaml)")
    if trial.place.key.isNullOtherwise, message.contains("expected null with a ") {
      #expect(message.hasPrefix(start))
      return
    }
    #expect(message.hasPrefix(start + "unknown key; it is a key of "), "\(message)\n\(yaml)")
    for clause in trial.place.clauses {
      #expect(clause.words.allSatisfy { message.contains($0) }, "\(message)\n\(yaml)")
    }
  }

  @Test func thePageIsUpToDate() throws {
    #expect(
      try project("docs/experiments.md") == ExperimentPage.markdown, "make pages writes it anew")
  }

  @Test func theSchemaOfEditorsIsUpToDate() throws {
    #expect(
      try project("Experiments/experiment.schema.json") == ExperimentPage.jsonSchema,
      "make pages writes it anew")
  }

  private static let shipped: [String] = {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../..").standardized.path
    return ["Experiments", "Experiments/reproduce"].flatMap { folder in
      ((try? FileManager.default.contentsOfDirectory(atPath: root + "/" + folder)) ?? [])
        .filter { $0.hasSuffix(".yaml") }.sorted().map { folder + "/" + $0 }
    }
  }()

  @Test(arguments: shipped)
  func shippedExperimentsAreValidForEditors(_ path: String) throws {
    let check = try JSONSchemaCheck(schemaOfEditors)
    let yaml = try project(path)
    #expect(try check.accepts(yaml))
    #expect(try check.accepts(Experiment(yaml: yaml, file: path).yaml))
    #expect(try !check.accepts(yaml + "epochs: 3\n"))
  }

  /// Byte for byte: the text is part of checkpoints, run folders and pictures.
  ///
  /// FIGMENT_WRITE_GOLDEN=1 rewrites it, for an intended change of an experiment.
  @Test(arguments: shipped)
  func shippedExperimentsMatchTheGoldenText(_ path: String) throws {
    let resolved = try Experiment(
      yaml: project(path), file: path, overrides: ["precision=fp32"]
    ).yaml
    let name = path.replacing("Experiments/", with: "").replacing("/", with: "-")
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Golden/resolved/\(name)")
    if ProcessInfo.processInfo.environment["FIGMENT_WRITE_GOLDEN"] != nil {
      try resolved.write(to: file, atomically: true, encoding: .utf8)
    }
    #expect(try String(contentsOf: file, encoding: .utf8) == resolved)
  }

  @Test(arguments: [
    ("optimizer.nesterov", ["optimizer.nesterov: true or false; default false; with kind: sgd"]),
    ("nesterov", ["optimizer.nesterov: "]), ("weight_decay", ["optimizer.weightDecay: "]),
    ("lr", ["optimizer.rate: a number above 0 and at most 10; default 0.001"]),
    ("optimizer", ["optimizer.kind: ", "optimizer.lookahead.state: "]),
    ("latent", ["1 to 4096; required; of kind: vae", "else 64; of kind: wgan"]),
    ("wgan", ["model.consistency: ", "model.oneSided: "]),
    ("model.consistency", ["model.consistency.weight: "]),
    ("sampling.steps", ["sampling.steps: a whole number from 1 to model.times, or null"]),
  ])
  func wordsFindTheirKeys(_ word: String, _ parts: [String]) {
    let listing = ExperimentPage.listing(of: word) ?? ""
    for part in parts { #expect(listing.contains(part), "\(word): \(listing)") }
    #expect(listing != ExperimentPage.listing)
  }

  @Test func unknownWordsHaveASuggestion() {
    #expect(ExperimentPage.listing(of: "model.latnet") == nil)
    #expect(ExperimentPage.suggestion(for: "model.latnet") == "model.latent")
    #expect(ExperimentPage.suggestion(for: "nestrov") == "nesterov")
    #expect(ExperimentPage.listing(of: "") == nil)
    #expect(ExperimentPage.suggestion(for: "frobnicate") == nil)
  }
}

/// Settings of no model, to test schemas alone.
private struct Toy: Equatable, Sendable {
  enum Size: String, CaseIterable, Sendable { case small, large }

  struct Part: Equatable, Sendable {
    var weight = 1.0
    static let schema = Schema<Part>([.number("weight", \.weight, in: 0...2, "The weight.")])
  }

  var size = Size.small
  var width = 0
  var taps: [Int] = [3]
  var limit: Int?
  var note = "none"
  var part = Part()
  var extra: Part?

  private static let size = Schema<Toy>.Choice("size", \.size)

  static let schema = Schema<Toy>([
    .choice(size, "The size."),
    .int(
      "width", \.width, default: .either(8, size.is(.small), otherwise: 64), in: 1...64,
      "The width."),
    .ints("taps", \.taps, in: 1...9, or: (size.is(.large), 1...99), count: 1...2, "The taps."),
    .optionalInt("limit", \.limit, in: 1...9, "The limit.").when(
      size.is(.large), elseNullWith: "a small size"),
    .mapping(
      "part", \.part, Part.schema, from: { Part(weight: $0.size == .small ? 1 : 2) }, "The part."),
    .optionalMapping("extra", \.extra, Part.schema, from: Part(weight: 0.5), "One more."),
    .text("note", \.note, what: "a string", "The note.").written(after: "size").written {
      $0.note != "none"
    }
    .rule("part.weight") { toy, error in
      if toy.note == "light", toy.part.weight > 1 {
        throw error("expected less, found \(toy.part.weight)")
      }
    },
  ])

  static func read(_ yaml: String) throws -> Toy {
    try ConfigurationTree(yaml: yaml, file: "t.yaml").decode(
      hints: KeyHints(schema.description(Toy()))
    ) {
      var toy = Toy()
      try schema.read(&$0, &toy)
      return toy
    }
  }
}

@Suite struct SchemaMachineTests {
  @Test(arguments: [
    ("part: {}", "size: small\nwidth: 8\ntaps: [3]\npart:\n  weight: 1\n"),
    (
      "size: large",
      "size: large\nwidth: 64\ntaps: [3]\nlimit: null\npart:\n  weight: 2\n"
    ),
    ("note: b\nlimit: null", "size: small\nnote: b\nwidth: 8\ntaps: [3]\npart:\n  weight: 1\n"),
    (
      "size: large\nextra: {}\ntaps: [99]\nlimit: 9",
      "size: large\nwidth: 64\ntaps: [99]\nlimit: 9\npart:\n  weight: 2\nextra:\n  weight: 0.5\n"
    ),
    ("extra: null\nwidth: 3", "size: small\nwidth: 3\ntaps: [3]\npart:\n  weight: 1\n"),
  ])
  func isWrittenInOrder(_ yaml: String, _ written: String) throws {
    let toy = try Toy.read(yaml)
    #expect(Toy.schema.members(toy).yaml == written)
    #expect(try Toy.read(written) == toy)
  }

  @Test(arguments: [
    (
      "size: large\ntaps: [100]",
      "t.yaml:2: taps[0]: expected a whole number from 1 to 99, found 100"
    ),
    ("taps: [10]", "t.yaml:1: taps[0]: expected a whole number from 1 to 9, found 10"),
    ("limit: 3", "t.yaml:1: limit: expected null with a small size, found 3"),
    ("limit: 30", "t.yaml:1: limit: expected a whole number from 1 to 9, found 30"),
    (
      "size: large\nnote: light\npart:\n  weight: 1.5",
      "t.yaml:4: part.weight: expected less, found 1.5"
    ),
    ("size: large\nnote: light", "t.yaml: part.weight: expected less, found 2.0"),
    ("size: large\npart: {}\nnote: light", "t.yaml:2: part.weight: expected less, found 2.0"),
    ("weight: 3", "t.yaml:1: weight: unknown key; did you mean \"part.weight\"?"),
    (
      "part: {width: 3}",
      "t.yaml:1: part.width: unknown key; did you mean \"width\" at the top level?"
    ),
    ("part.weight: 3", "t.yaml:1: part.weight: unknown key; did you mean \"weight\" in \"part\"?"),
    (
      "size: small\npart.wight: 3",
      "t.yaml:2: part.wight: unknown key; known here: size, width, taps, limit, part, extra, note"
    ),
    ("sise: large", "t.yaml:1: sise: unknown key; did you mean \"size\"?"),
    (
      "colour: red",
      "t.yaml:1: colour: unknown key; known here: size, width, taps, limit, part, extra, note"
    ),
  ])
  func mistakesAreNamed(_ yaml: String, _ line: String) {
    #expect(failure { _ = try Toy.read(yaml) } == line)
  }
}
