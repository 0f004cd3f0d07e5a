import Configuration
import Support
import TestSupport
import Testing

/// A realistic experiment.
private struct Example: Equatable {
  var name: String
  var seed: UInt64
  var steps: Int
  var rate: Double
  var clip: Double?
  var average: Bool
  var note: String
  var kind: String
  var multipliers: [Int]
  var width: Int
  var dropout: Double

  init(from reader: inout ConfigurationReader) throws {
    name = try reader.name("name")
    seed = try reader.unsigned("seed", default: 0)
    steps = try reader.int("steps", in: 1...1_000_000)
    rate = try reader.double("rate", default: 1e-3, in: 0.0.nextUp...1)
    clip = try reader.optionalDouble("clip", in: 0...100)
    average = try reader.bool("average", default: true)
    note = try reader.string("note", default: "")
    kind = try reader.string("kind", default: "linear", oneOf: ["linear", "cosine"])
    multipliers = try reader.intArray("multipliers", default: [1, 2], in: 1...16, count: 1...8)
    (width, dropout) = try reader.nested("model") {
      (
        try $0.int("width", default: 64, in: 1...4096),
        try $0.double("dropout", default: 0, in: 0...1.0.nextDown)
      )
    }
  }

  var members: [ConfigurationValue.Member] {
    [
      .init("name", .string(name)), .init("seed", .unsigned(seed)), .init("steps", .integer(steps)),
      .init("rate", .number(rate)), .init("clip", .optional(clip)),
      .init("average", .bool(average)), .init("note", .string(note)),
      .init("kind", .string(kind)), .init("multipliers", .list(multipliers)),
      .init(
        "model", .mapping([.init("width", .integer(width)), .init("dropout", .number(dropout))])),
    ]
  }
}

private func decode(_ yaml: String, set overrides: [String] = []) throws -> Example {
  var tree = try ConfigurationTree(yaml: yaml, file: "e.yaml")
  for override in overrides { try tree.override(override) }
  return try tree.decode { try Example(from: &$0) }
}

private func message(_ yaml: String, set overrides: [String] = []) -> String {
  do {
    return "read: \(try decode(yaml, set: overrides))"
  } catch {
    return "\(error)"
  }
}

@Suite struct ConfigurationTests {
  private let whole = """
    # A comment.
    name: toy-2
    seed: 18446744073709551615
    steps: 500   # the horizon
    rate: 2e-4
    clip: 1
    average: false
    note: "a: #b"
    kind: cosine
    multipliers: [1, 2, 4]
    model:
      width: 32
      dropout: .5
    """

  @Test func everyTypeIsRead() throws {
    let example = try decode(whole)
    #expect(example.name == "toy-2")
    #expect(example.seed == .max)
    #expect(example.steps == 500)
    #expect(example.rate == 2e-4)
    #expect(example.clip == 1)
    #expect(!example.average)
    #expect(example.note == "a: #b")
    #expect(example.kind == "cosine")
    #expect(example.multipliers == [1, 2, 4])
    #expect(example.width == 32)
    #expect(example.dropout == 0.5)
  }

  @Test func resolvedFilesAreStable() throws {
    let text = """
      name: toy-2
      seed: 18446744073709551615
      steps: 500
      rate: 0.0002
      clip: 1
      average: false
      note: "a: #b"
      kind: cosine
      multipliers: [1, 2, 4]
      model:
        width: 32
        dropout: 0.5

      """
    #expect(try decode(whole).members.yaml == text)
    #expect(try decode(text) == decode(whole))
    #expect(try decode(text).members.yaml == text)
  }

  @Test(arguments: [
    "", "a", "1", "1.5", "-3", "true", "No", "null", "~", "a b", "a: b", "- x", "#", "a #b", "'",
    "\"",
    "\\", "x\ny", "\t", "\u{0}\u{7}", "\u{85}", "\u{2028}", "é", "日本", "🎲", "*a", "&a",
    "!x", "[1]", "{", "%", "@", "`", "?", "-", "--", ".5", "...", "---", "1_000", "0x1F", "1e5",
    "/tmp/a.png", "2024-01-01", "12:30", "=", "<<", " lead", "trail ", "a,b",
  ])
  func everyStringReadsBack(_ text: String) throws {
    let yaml = [
      ConfigurationValue.Member("s", .string(text)),
      ConfigurationValue.Member("l", .list([text, text])),
    ].yaml
    let tree = try ConfigurationTree(yaml: yaml, file: "s.yaml")
    guard case .mapping(let members) = tree.root.content,
      case .sequence(let list)? = members.last?.node.content
    else {
      Issue.record("\(yaml)")
      return
    }
    for node in [members[0].node] + list {
      guard case .scalar(let read, _) = node.content else {
        Issue.record("\(yaml)")
        continue
      }
      #expect(Array(read.unicodeScalars) == Array(text.unicodeScalars), "\(yaml)")
    }
    #expect(list.count == 2)
  }

  @Test func numbersReadBack() throws {
    var random = SplitMix64(state: 5)
    for _ in 0..<2000 {
      let value = Double(bitPattern: random.next())
      guard value.isFinite else { continue }
      let yaml = [ConfigurationValue.Member("v", .number(value))].yaml
      #expect(
        try ConfigurationTree(yaml: yaml, file: "n.yaml").decode { try $0.double("v") } == value,
        "\(yaml)")
    }
  }

  static let rejected: [(yaml: String, message: String)] = [
    ("", "e.yaml: is empty; expected keys and values"),
    ("# nothing\n", "e.yaml: is empty; expected keys and values"),
    ("---\n", "e.yaml:2: expected keys and values at the root, found nothing"),
    ("- 1\n- 2\n", "e.yaml:1: expected keys and values at the root, found a list of 2"),
    ("word", "e.yaml:1: expected keys and values at the root, found word"),
    ("name: a", "e.yaml: steps: missing; expected a whole number from 1 to 1000000"),
    (
      "name: a\nstpes: 5",
      "e.yaml: steps: missing; expected a whole number from 1 to 1000000; there is \"stpes\""
    ),
    (
      "name: a\nsteps: 5\nkimd: cosine", "e.yaml:3: kimd: unknown key; did you mean \"kind\"?"
    ),
    (
      "name: a\nsteps: 5\nmodel:\n  widht: 3",
      "e.yaml:4: model.widht: unknown key; did you mean \"width\"?"
    ),
    (
      "name: a\nsteps: 5\nmodel: {temperature: 3}",
      "e.yaml:3: model.temperature: unknown key; known here: width, dropout"
    ),
    (
      "name: a\nsteps: many",
      "e.yaml:2: steps: expected a whole number from 1 to 1000000, found many"
    ),
    (
      "name: a\nsteps: 0", "e.yaml:2: steps: expected a whole number from 1 to 1000000, found 0"
    ),
    (
      "name: a\nsteps: 1.5",
      "e.yaml:2: steps: expected a whole number from 1 to 1000000, found 1.5"
    ),
    (
      "name: a\nsteps: 010",
      "e.yaml:2: steps: expected a whole number from 1 to 1000000, found 010"
    ),
    (
      "name: a\nsteps: 1e3",
      "e.yaml:2: steps: expected a whole number from 1 to 1000000, found 1e3"
    ),
    (
      "name: a\nsteps: 99999999999999999999",
      "e.yaml:2: steps: expected a whole number from 1 to 1000000, found 99999999999999999999"
    ),
    (
      "name: a\nsteps: \"5\"",
      "e.yaml:2: steps: expected a whole number from 1 to 1000000, found the string \"5\""
    ),
    (
      "name: a\nsteps:", "e.yaml:2: steps: expected a whole number from 1 to 1000000, found nothing"
    ),
    (
      "name: a\nsteps: [1]",
      "e.yaml:2: steps: expected a whole number from 1 to 1000000, found a list of 1"
    ),
    (
      "name: a\nsteps: {a: 1}",
      "e.yaml:2: steps: expected a whole number from 1 to 1000000, found a mapping"
    ),
    (
      "name: a\nsteps: 5\nseed: -1",
      "e.yaml:3: seed: expected a whole number from 0 to 18446744073709551615, found -1"
    ),
    (
      "name: a\nsteps: 5\nrate: 0",
      "e.yaml:3: rate: expected a number above 0 and at most 1, found 0"
    ),
    (
      "name: a\nsteps: 5\nrate: .nan",
      "e.yaml:3: rate: expected a number above 0 and at most 1, found .nan"
    ),
    (
      "name: a\nsteps: 5\nclip: 1e999",
      "e.yaml:3: clip: expected a number at least 0 and at most 100, found 1e999"
    ),
    (
      "name: a\nsteps: 5\nmodel:\n  dropout: 1",
      "e.yaml:4: model.dropout: expected a number at least 0 and below 1, found 1"
    ),
    (
      "name: a\nsteps: 5\naverage: yes",
      "e.yaml:3: average: expected true or false, found yes"
    ),
    (
      "name: a\nsteps: 5\nkind: cosin",
      "e.yaml:3: kind: expected one of linear, cosine, found cosin; did you mean \"cosine\"?"
    ),
    (
      "name: a\nsteps: 5\nkind: sigmoid",
      "e.yaml:3: kind: expected one of linear, cosine, found sigmoid"
    ),
    (
      "name: a\nsteps: 5\nnote: 3",
      "e.yaml:3: note: expected a string, found 3; a string needs quotes here"
    ),
    (
      "name: ../a\nsteps: 5",
      "e.yaml:1: name: expected a name of at most 100 letters, digits, \"-\", \"_\" and \".\", "
        + "the first a letter or digit, found ../a"
    ),
    (
      "name: a\nsteps: 5\nmultipliers: []",
      "e.yaml:3: multipliers: expected a list of 1 to 8, each a whole number from 1 to 16, "
        + "found a list of 0"
    ),
    (
      "name: a\nsteps: 5\nmultipliers:\n- 1\n- two",
      "e.yaml:5: multipliers[1]: expected a whole number from 1 to 16, found two"
    ),
    ("name: a\nsteps: 5\nmodel: 3", "e.yaml:3: model: expected keys and values, found 3"),
    ("name: a\nsteps: 5\nsteps: 6", "e.yaml:2: the key \"steps\" appears twice"),
    (
      "name: &n a\nsteps: 5",
      "e.yaml:1: name: anchors and aliases are not allowed; write the value out"
    ),
    (
      "name: &n a\nsteps: 5\nnote: *n",
      "e.yaml:1: name: anchors and aliases are not allowed; write the value out"
    ),
    (
      "name: a\nnote: *n", "e.yaml:2: anchors and aliases are not allowed; write the value out"
    ),
    (
      "name: a\nsteps: 5\nmodel: &m\n  width: 3",
      "e.yaml:3: model: anchors and aliases are not allowed; write the value out"
    ),
    (
      "name: a\n<<: {steps: 3}",
      "e.yaml:2: anchors and aliases are not allowed; write the value out"
    ),
    ("name: !!int 3\nsteps: 5", "e.yaml:1: name: the tag \"tag:yaml.org,2002:int\" is not allowed"),
    ("name: a\n---\nname: b", "e.yaml:3: a second document begins; expected one"),
    ("? [a]\n: 3", "e.yaml:1: a key that is not a word; expected key: value"),
    (
      "name: [a",
      "e.yaml:2: not YAML: while parsing a flow sequence at line 1: "
        + "did not find expected ',' or ']'"
    ),
    (
      "name: a\n\tsteps: 5",
      "e.yaml:2: not YAML: while scanning a plain scalar at line 1: "
        + "found a tab character that violates indentation"
    ),
    ("name: a\u{1}", "e.yaml: not YAML: control characters are not allowed (U+1)"),
    (
      "name: a\nsteps: 5\nnote: [" + String(repeating: "*a ,", count: 30) + "]",
      "e.yaml: anchors and aliases are not allowed; write the value out"
    ),
  ]

  @Test(arguments: rejected.indices)
  func badFilesGetAOneLineError(_ index: Int) {
    let (yaml, expected) = Self.rejected[index]
    #expect(message(yaml) == expected)
  }

  @Test func overridesReplaceAndAdd() throws {
    let overrides = [
      "steps=7", "model.width=8", "multipliers=[3, 5]", "note=x y", "clip=null", "rate=1e-2",
    ]
    let example = try decode(whole, set: overrides)
    #expect(example.steps == 7)
    #expect(example.width == 8)
    #expect(example.multipliers == [3, 5])
    #expect(example.note == "x y")
    #expect(example.clip == nil)
    #expect(example.rate == 0.01)
    #expect(try decode("name: a", set: ["steps=2", "model.dropout=0.25"]).dropout == 0.25)
  }

  static let badOverrides: [(override: String, message: String)] = [
    ("steps", "--set steps: expected key=value"),
    ("=3", "--set =3: expected a key, or keys joined by dots, before \"=\""),
    ("model.=3", "--set model.=3: expected a key, or keys joined by dots, before \"=\""),
    (
      "steps=x", "--set steps=x: steps: expected a whole number from 1 to 1000000, found x"
    ),
    ("stesp=3", "--set stesp=3: stesp: unknown key; did you mean \"steps\"?"),
    ("model.size=3", "--set model.size=3: model.size: unknown key; known here: width, dropout"),
    ("steps.x=3", "--set steps.x=3: steps: expected a mapping, found 500"),
    ("model=3", "--set model=3: model: expected keys and values, found 3"),
    (
      "optimizer.x=3",
      "--set optimizer.x=3: optimizer: unknown key; known here: name, seed, "
        + "steps, rate, clip, average, note, kind, multipliers, model"
    ),
    (
      "note=[",
      "--set note=[: not YAML: while parsing a flow node: did not find expected node content"
    ),
    (
      "note=", "--set note=: note: expected a string, found nothing; a string needs quotes here"
    ),
  ]

  @Test(arguments: badOverrides.indices)
  func badOverridesGetAOneLineError(_ index: Int) {
    let (override, expected) = Self.badOverrides[index]
    #expect(message(whole, set: [override]) == expected)
  }

  @Test func filesOtherThanTextAreRefused() throws {
    let folder = try TemporaryFolder()
    try folder.put([0x61, 0xFF], at: "bytes.yaml")
    try folder.put([UInt8](repeating: 0x20, count: 1 << 20 + 1), at: "long.yaml")
    func message(_ name: String) -> String {
      do {
        _ = try ConfigurationTree(contentsOf: folder.file(name))
        return "read"
      } catch {
        return "\(error)".replacing(folder.path + "/", with: "")
      }
    }
    #expect(message("bytes.yaml") == "bytes.yaml: expected UTF-8 text")
    #expect(message("long.yaml").hasSuffix("bytes; expected at most 1048576"))
    #expect(message("no.yaml") == "no.yaml: cannot open: No such file or directory")
  }

  @Test(arguments: ["[", "{a: ", "- ", "? "])
  func deepNestingIsRefused(_ opening: String) {
    let yaml = "name: a\nnote:\n  " + String(repeating: opening, count: 100_000)
    #expect(message(yaml).hasPrefix("e.yaml"))
  }

  @Test func mutatedFilesNeverCrash() {
    var random = SplitMix64(state: 3)
    for round in 0..<5000 {
      var bytes = Array(whole.utf8)
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...127, using: &random)
        case 1: bytes.remove(at: place)
        case 2: bytes.insert(contentsOf: bytes[place..<min(place + 9, bytes.count)], at: place)
        default: bytes[place] = "&*[]{}:,-#!|>'\"%@`?\n \t".utf8.randomElement(using: &random) ?? 0
        }
      }
      let line = message(String(decoding: bytes, as: UTF8.self))
      #expect(line.hasPrefix("read: ") || !line.contains("\n"), "round \(round): \(line)")
    }
  }

  @Test(arguments: [
    ("batch", "bacth", 1), ("a", "a", 0), ("", "abc", 3), ("width", "weight", 3), ("ab", "ba", 1),
    ("ab", "xy", 2),
  ])
  func distances(_ a: String, _ b: String, _ distance: Int) {
    #expect(editDistance(a, b) == distance)
    #expect(editDistance(b, a) == distance)
  }
}
