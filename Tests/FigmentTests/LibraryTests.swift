import Foundation
import Images
import Testing

/// The products as other packages use them, and the articles of their documentation.
@Suite(.serialized) struct LibraryTests {
  private let tool: Tool
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  init() throws { tool = try Tool() }

  /// Builds Examples/Outside for debugging, where nothing is left of an earlier build in under a minute
  /// of two cores, and runs it.
  @Test func aPackageOutsideTrainsSavesLoadsAndDraws() throws {
    let build = Process()
    build.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    build.arguments = [
      "swift", "build", "--package-path", "Examples/Outside", "--scratch-path", ".build-outside",
    ]
    build.currentDirectoryURL = Self.root
    let log = tool.path("build.log")
    try tool.write("", to: "build.log")
    build.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
    build.standardError = build.standardOutput
    try build.run()
    build.waitUntilExit()
    let text = try String(contentsOfFile: log, encoding: .utf8)
    try #require(build.terminationStatus == 0, "\(text)")
    #expect(!text.contains("warning:"), "\(text)")

    let program = Self.root.appendingPathComponent(".build-outside/debug/Outside").path
    let result = try tool.shell("'\(program)' .")
    #expect(result.code == 0, "\(result.errors)")
    func number(_ prefix: String) throws -> Double {
      let line = try #require(result.output.split(separator: "\n").first { $0.hasPrefix(prefix) })
      return try #require(line.split(separator: " ").last.flatMap { Double($0) })
    }
    // Two classes are even at log 2 = 0.69, and bars are distinguished whatever the noise.
    #expect(try number("classifier step 1 ") > 0.5)
    #expect(try number("classifier step 200 ") < 0.1)
    // Of a runtime that has the weights from the file alone.
    #expect(try number("accuracy") > 0.97)
    // 64 pixels of fair coins cost 44 nats; one of 16 bars is worth log 16 = 2.8.
    #expect(try number("vae step 1 ") > 40)
    #expect(try (2.77...10).contains(number("vae step 600 ")))
    let picture = try PNG.decode(try #require(tool.bytes("bars.png"))).bitmap
    #expect(picture.width == 8 * 34 + 2 && picture.height == 4 * 34 + 2)
    #expect(Set(picture.pixels).count > 10)
    #expect(tool.bytes("classifier.safetensors") != nil && tool.bytes("decoder.safetensors") != nil)
  }

  @Test func theExampleOutsideIsShort() throws {
    let main = Self.root.appendingPathComponent("Examples/Outside/Sources/Outside/main.swift")
    let text = try String(contentsOf: main, encoding: .utf8)
    #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count - 1 < 80)
    #expect(!text.contains("@testable"))
  }

  @Test func theCodeOfTheArticlesRuns() throws {
    let result = try tool.run(tool.folder, program: "HowTo")
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.output.contains("loaded [1, 2] [1, 2]"))
    #expect(result.output.contains("the system refused: true"))
    #expect(tool.bytes("sheet.png") != nil)
  }

  /// Each product has articles, and their code is that of Examples/HowTo, line by line.
  @Test func theCodeOfTheArticlesIsTheExamples() throws {
    func lines(_ text: String) -> [String] {
      text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        .filter { !$0.isEmpty }
    }
    let files = FileManager.default
    let examples = Self.root.appendingPathComponent("Examples/HowTo").path
    let sources = try files.contentsOfDirectory(atPath: examples).map {
      lines(try String(contentsOfFile: examples + "/" + $0, encoding: .utf8))
    }
    var articles = 0
    let targets = Self.root.appendingPathComponent("Sources").path
    for target in try files.contentsOfDirectory(atPath: targets) {
      let folder = "\(targets)/\(target)/Documentation.docc"
      guard let names = try? files.contentsOfDirectory(atPath: folder) else { continue }
      #expect(names.contains(target + ".md"), "\(target) has no landing page")
      for name in names where name != target + ".md" {
        articles += 1
        let text = try String(contentsOfFile: folder + "/" + name, encoding: .utf8)
        let parts = text.components(separatedBy: "```")
        #expect(parts.count >= 3, "\(name) has no code")
        for code in stride(from: 1, to: parts.count, by: 2).map({ parts[$0] }) {
          let wanted = Array(lines(code).dropFirst())
          let isThere = sources.contains { source in
            source.indices.contains { Array(source[$0...].prefix(wanted.count)) == wanted }
          }
          #expect(isThere, "\(target)/\(name): \(wanted.first ?? "") is not in Examples/HowTo")
        }
      }
    }
    #expect(articles == 15)
  }

  /// Importers qualify a name by its module, which a type of that name would hide.
  @Test func noTypeHasTheNameOfALibrary() throws {
    let files = FileManager.default
    let targets = Self.root.appendingPathComponent("Sources").path
    let package = try String(
      contentsOf: Self.root.appendingPathComponent("Package.swift"), encoding: .utf8)
    let libraries = package.matches(of: /\.library\(name: "(\w+)", targets: \["\w+"\]/).map {
      String($0.1)
    }
    #expect(libraries.count == 15)
    for library in libraries {
      let names = try #require(files.enumerator(atPath: "\(targets)/\(library)"))
      for case let name as String in names where name.hasSuffix(".swift") {
        let text = try String(contentsOfFile: "\(targets)/\(library)/\(name)", encoding: .utf8)
        for declaration in text.matches(of: /public [a-z ]*(?:struct|enum|class|protocol) (\w+)/) {
          #expect(!libraries.contains(String(declaration.1)), "\(library)/\(name)")
        }
      }
    }
  }
}
