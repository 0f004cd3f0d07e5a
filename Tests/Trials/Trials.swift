import ArgumentParser

/// What takes longer than a test.
@main
struct Trials: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "Trials",
    abstract: "Kills runs, damages files and compares bytes: what takes longer than a test.",
    subcommands: [Soak.self, Fuzz.self, FuzzWorker.self, Repeatability.self])
}

/// Why a trial failed, on one line.
struct TrialError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// A generator whose seed a message can name (Steele, Lea and Flood 2014, SplitMix64).
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
