import Distributions
import Formats
import Glibc
import Images
import Runs
import Support
import TestSupport
import Testing

private struct Way: Sendable, CustomTestStringConvertible {
  let name: String
  let error: FigmentError
  let line: String
  /// The line without its place.
  let problem: String
  var code: Int32?
  var testDescription: String { name }
}

private let long = String(repeating: "n", count: 300)
private let cut = String(repeating: "n", count: 200) + "..."

/// The lines are unchanged from when each kind of error had a type of its own.
@Suite struct FigmentErrorTests {
  private static let ways = [
    Way(
      name: "line", error: FigmentError("a.csv: one column, expected two"),
      line: "a.csv: one column, expected two", problem: "a.csv: one column, expected two"),
    Way(
      name: "long line", error: FigmentError("\(long): is empty"), line: "\(long): is empty",
      problem: "\(long): is empty"),
    Way(
      name: "line that a terminal acts upon",
      error: FigmentError("a\u{1b}[31m\n\r\t\u{85}\u{202e}b"),
      line: "a\\u{1b}[31m\\n\\r\\t\\u{85}\\u{202e}b",
      problem: "a\\u{1b}[31m\\n\\r\\t\\u{85}\\u{202e}b"),
    Way(
      name: "line that is escaped already", error: FigmentError(printable("a\nb\\n")),
      line: "a\\nb\\n", problem: "a\\nb\\n"),
    Way(
      name: "letters", error: FigmentError("caf\u{e9} \u{65e5}"), line: "caf\u{e9} \u{65e5}",
      problem: "caf\u{e9} \u{65e5}"),
    Way(
      name: "line of a program that cannot start",
      error: FigmentError("curl: Permission denied", code: EACCES), line: "curl: Permission denied",
      problem: "curl: Permission denied", code: EACCES),
    Way(
      name: "file", error: FigmentError(path: "run/a\tb", problem: "is cut short"),
      line: "run/a\\tb: is cut short", problem: "is cut short"),
    Way(
      name: "long path", error: FigmentError(path: long, problem: "is cut short"),
      line: "\(cut): is cut short", problem: "is cut short"),
    Way(
      name: "no space", error: FigmentError(path: "run/a", operation: "write", code: ENOSPC),
      line: "run/a: cannot write: No space left on device",
      problem: "cannot write: No space left on device", code: ENOSPC),
    Way(
      name: "no folder", error: FigmentError(path: "a\n", operation: "create", code: ENOENT),
      line: "a\\n: cannot create: No such file or directory",
      problem: "cannot create: No such file or directory", code: ENOENT),
    Way(
      name: "setting",
      error: FigmentError(
        origin: "toy.yaml:7", key: "model.width", problem: "expected 1 to 4096, found 0"),
      line: "toy.yaml:7: model.width: expected 1 to 4096, found 0",
      problem: "expected 1 to 4096, found 0"),
    Way(
      name: "file of settings",
      error: FigmentError(origin: "toy.yaml", key: "", problem: "expected UTF-8 text"),
      line: "toy.yaml: expected UTF-8 text", problem: "expected UTF-8 text"),
    Way(
      name: "setting that a terminal acts upon",
      error: FigmentError(origin: "a\n:1", key: "b\r.\(long)", problem: "is unknown"),
      line: "a\\n:1: b\\r.\(String(repeating: "n", count: 197))...: is unknown",
      problem: "is unknown"),
  ]

  @Test(arguments: ways)
  fileprivate func eachErrorPrintsItsLine(_ way: Way) {
    #expect("\(way.error)" == way.line)
    #expect(way.error.problem == way.problem)
    #expect(way.error.code == way.code)
    #expect(way.error == way.error && way.error != FigmentError("another"))
  }

  /// Errors of parts of the program, each of which used to have a type of its own.
  @Test(arguments: [
    "a picture cannot be 0 x 3 with 1 channels",
    "an animation needs at least one picture",
    "the moments of 1 vectors; expected at least 2",
    "\"a b\" cannot be the name of a run folder",
    "/dev/null: not a regular file",
    "/dev/null/x: cannot open: Not a directory",
    "x: not gzip data, expected it to start with 1f 8b",
    "expected a number at byte 0, found \"[\"",
  ])
  func eachPartThrowsIt(_ line: String) {
    let parts: [() throws -> Void] = [
      { _ = try Bitmap([], height: 0, width: 3, channels: 1) },
      { _ = try PNG.encode(animation: []) },
      { _ = try Moments([1, 2], width: 2) },
      {
        _ = try RunFolder(
          name: "a b", experiment: "name: a", outputs: "/dev/null", resumes: false,
          resumeCommand: "")
      },
      { _ = try FileSystem.read("/dev/null", limit: 10) },
      { _ = try OpenFile("/dev/null/x", flags: O_RDONLY) },
      { _ = try Gzip.inflate([0, 1], name: "x", maximumBytes: 1) },
      {
        var cursor = JSONCursor(Array("[]".utf8))
        _ = try cursor.number("a number")
      },
    ]
    let lines = parts.map { part in
      do {
        try part()
        return "nothing was thrown"
      } catch let error as FigmentError {
        return "\(error)"
      } catch {
        return "another type: \(error)"
      }
    }
    #expect(lines.contains(line), "\(lines)")
  }

  /// No text is escaped twice, and none is left unescaped.
  @Test func textsAreEscapedOnce() {
    let text = "a\u{7}\u{2028}b\u{200b}"
    #expect(escaped(text) == "a\\u{7}\\u{2028}b\u{200b}")
    #expect(escaped(escaped(text)) == escaped(text))
    #expect(printable(text, limit: 3) == "a\\u{7}\\u{2028}...")
    #expect(printable(text, limit: 5) == escaped(text))
    #expect(quoted(text) == "\"a\\u{7}\\u{2028}b\u{200b}\"")
    #expect(
      quoted(String(repeating: "n", count: 61)) == "\"\(String(repeating: "n", count: 60))...\"")
    #expect(singleQuoted(text) == "'a??b?'")
    let digits = String(repeating: "1", count: 32)
    #expect(singleQuoted(digits) == "'\(digits)'")
    #expect(singleQuoted(digits + "2") == "'\(digits)...'")
  }

  @Test func invalidUTF8PathsAreReadAndListed() throws {
    let folder = try TemporaryFolder()
    let name: [UInt8] = [0x61, 0xFF]
    let path = Path(Path(folder.path), name)
    #expect("\(path)" == "\(folder.path)/a\\xff")
    #expect(FileSystem.kind(of: path) == .nothing)
    let created = (Array(folder.path.utf8) + [0x2F] + name + [0]).map { CChar(bitPattern: $0) }
    #expect(mkdir(created, 0o777) == 0)
    #expect(FileSystem.kind(of: path) == .folder)
    #expect(try FileSystem.names(in: Path(folder.path)) == [name])
    #expect(throws: FigmentError(path: "\(path)", operation: "read", code: EISDIR)) {
      _ = try FileSystem.read(path, limit: 1)
    }
    #expect(try FileSystem.names(in: path).isEmpty)
    #expect(rmdir(created) == 0)
    #expect(throws: FigmentError(path: "\(path)", operation: "list", code: ENOENT)) {
      _ = try FileSystem.names(in: path)
    }
  }
}
