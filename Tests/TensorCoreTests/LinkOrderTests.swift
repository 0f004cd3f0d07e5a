import Foundation
import Testing

/// Chains in a wrong order do not compile.
@Suite struct LinkOrderTests {
  /// A chain, and a part of the compiler's message where it is wrong.
  static let chains: [(chain: String, error: String?)] = [
    ("chain(clip(globalNorm: 1), adam(0.1), average(decay: 0.9))", nil),
    ("chain(clip(globalNorm: 1), scaleByAdam(), addDecay(0.1), scale(by: -0.1))", nil),
    ("chain(addPenalty(0.1), lazy(chain(clip(globalNorm: 1), sgd(0.1))), clamp(1))", nil),
    ("chain(lookahead(chain(adam(0.1), clamp(1)), every: 5), average(decay: 0.9))", nil),
    ("chain(adam(0.1), clamp(1), average(decay: 0.9))", nil),
    ("chain(adam(0.1), clip(globalNorm: 1))", "GradientRule"),
    ("chain(adam(0.1), addPenalty(0.1))", "GradientRule"),
    ("chain(adam(0.1), sgd(0.1))", "Optimizer"),
    ("chain(clip(globalNorm: 1), scale(by: 0.1))", "ChangeRule"),
    ("chain(scale(by: 0.1), adam(0.1))", "Optimizer"),
    ("chain(clip(globalNorm: 1), average(decay: 0.9))", "'Gradient' conform to 'BeforeAverage'"),
    ("chain(adam(0.1), average(decay: 0.9), scale(by: 0.5))", "ChangeRule"),
    (
      "chain(adam(0.1), average(decay: 0.9), clamp(1))", "'FinalValue' conform to 'BeforeLookahead'"
    ),
    (
      "chain(adam(0.1), average(decay: 0.9), average(decay: 0.99))",
      "'FinalValue' conform to 'BeforeAverage'"
    ),
    (
      "lookahead(chain(adam(0.1), average(decay: 0.9)), every: 5)",
      "'FinalValue' conform to 'BeforeLookahead'"
    ),
    (
      "lookahead(lookahead(adam(0.1), every: 2), every: 5)",
      "'LookaheadValue' conform to 'BeforeLookahead'"
    ),
    (
      "chain(lookahead(adam(0.1), every: 5), clamp(1))",
      "'LookaheadValue' conform to 'BeforeLookahead'"
    ),
    ("chain(lookahead(adam(0.1), every: 5), scale(by: 0.5))", "ChangeRule"),
    ("chain(adam(0.1), clamp(1), scale(by: 0.5))", "ChangeRule"),
    ("lazy(chain(adam(0.1), clamp(1)))", "Optimizer"),
    (
      "minimize(Tensor(0), Parameters(\"p\"), clip(globalNorm: 1))",
      "'Gradient' conform to 'Outcome'"
    ),
    ("minimize(Tensor(0), Parameters(\"p\"), scale(by: 0.1))", "ChangeRule"),
  ]

  /// The compiler's errors by line of a file of `lines` that imports the built module.
  private func errors(in lines: [String]) throws -> [Int: String] {
    // The modules are next to the test bundle.
    let bundle = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let folders = [bundle, CommandLine.arguments[0]].map {
      URL(fileURLWithPath: $0).deletingLastPathComponent()
    }
    let folder = try #require(
      folders.first {
        FileManager.default.fileExists(
          atPath: $0.appendingPathComponent("Modules/TensorCore.swiftmodule").path)
      }, "no module beside \(folders)")
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent("figment-links-\(UUID().uuidString).swift")
    defer { try? FileManager.default.removeItem(at: file) }
    try (["import TensorCore"] + lines).joined(separator: "\n")
      .write(to: file, atomically: true, encoding: .utf8)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "swiftc", "-typecheck", "-swift-version", "6", "-I",
      folder.appendingPathComponent("Modules").path, "-Xcc",
      "-fmodule-map-file="
        + folder.appendingPathComponent("CKernels.build/module.modulemap").path, file.path,
    ]
    let pipe = Pipe()
    process.standardError = pipe
    try process.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    var found: [Int: String] = [:]
    for line in output.split(separator: "\n") where line.hasPrefix(file.path + ":") {
      let parts = line.split(separator: ":", maxSplits: 3)
      // The import is line 1.
      guard parts.count == 4, let number = Int(parts[1]), parts[3].hasPrefix(" error") else {
        continue
      }
      found[number - 2, default: ""] += parts[3]
    }
    if process.terminationStatus != 0 {
      try #require(!found.isEmpty && found[-1] == nil, "\(output)")
    }
    return found
  }

  @Test func wrongOrdersDoNotCompile() throws {
    let found = try errors(in: Self.chains.map { "_ = \($0.chain)" })
    for (i, (chain, error)) in Self.chains.enumerated() {
      guard let error else {
        #expect(found[i] == nil, "\(chain)")
        continue
      }
      #expect(found[i]?.contains(error) == true, "\(chain): \(found[i] ?? "compiles")")
    }
  }
}
