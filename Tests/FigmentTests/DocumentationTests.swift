import Foundation
import Testing

/// Checks the files that pages refer to.
@Suite struct DocumentationTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../..").standardized

  private static let pages: [String] =
    ["README.md", "CONTRIBUTING.md", "outputs/README.md"]
    + ((try? FileManager.default.contentsOfDirectory(atPath: root.path + "/docs")) ?? [])
    .filter { $0.hasSuffix(".md") }.sorted().map { "docs/" + $0 }

  private static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
  }

  @Test(arguments: pages)
  func namedFilesExist(_ page: String) throws {
    let text = try Self.text(page)
    let folder = Self.root.appendingPathComponent(page).deletingLastPathComponent()
    for link in text.matches(of: /\]\(([^)#:\s]+)(#[^)]*)?\)/) {
      let target = folder.appendingPathComponent(String(link.1)).standardized
      #expect(FileManager.default.fileExists(atPath: target.path), "\(page): \(link.1)")
    }
    for name in text.matches(of: /`((Sources|Tests|Scripts|Experiments|docs)\/[\w\/.-]*[\w])`/) {
      let target = Self.root.appendingPathComponent(String(name.1))
      #expect(FileManager.default.fileExists(atPath: target.path), "\(page): \(name.1)")
    }
  }

  /// The numbered list of CONTRIBUTING.md from the command line to the checkpoint.
  @Test func theWalkMatchesTheSources() throws {
    let hops = try Self.text("CONTRIBUTING.md")
      .matches(of: /(?m)^\d+\. `(Sources\/[^`]+)`, `([A-Za-z.]+)(\([^`]*\))?`/)
    #expect((10...15).contains(hops.count))
    for hop in hops {
      let source = try Self.text(String(hop.1))
      let words = hop.2.split(separator: ".").map(String.init)
      guard let type = words.first, let member = words.last else { continue }
      // The entry point of a command is the argument parser's.
      let declarations =
        member == "main" ? ["@main"] : ["func \(member)", "let \(member)", "\(member)("]
      #expect(
        source.contains(type) && declarations.contains { source.contains($0) },
        "\(hop.1) has no \(hop.2)")
    }
  }
}
