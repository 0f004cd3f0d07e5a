import Glibc
import Support
import TestSupport
import Testing

@Suite struct AtomicFileTests {
  struct Planned: Error, Equatable {}

  @Test func replacesTheWholeFile() throws {
    let folder = try TemporaryFolder()
    try writeAtomically("a long first text", to: folder.file("a"))
    try writeAtomically("second", to: folder.file("a"))
    #expect(folder.text("a") == "second")
    #expect(folder.names() == ["a"])
  }

  @Test(arguments: AtomicStage.allCases)
  func failureKeepsTheOldFile(_ stage: AtomicStage) throws {
    let folder = try TemporaryFolder()
    try writeAtomically("old", to: folder.file("a"))
    #expect(throws: Planned.self) {
      try writeAtomically(
        to: folder.file("a"), reached: { if $0 == stage { throw Planned() } },
        { try $0.write("new") })
    }
    #expect(folder.text("a") == (stage == .synchronizeFolder ? "new" : "old"))
    #expect(folder.names() == ["a"])
  }

  @Test func aBodyThatFailsKeepsTheOldFile() throws {
    let folder = try TemporaryFolder()
    try writeAtomically("old", to: folder.file("a"))
    #expect(throws: Planned.self) {
      try writeAtomically(to: folder.file("a")) {
        try $0.write(String(repeating: "x", count: 1 << 20))
        throw Planned()
      }
    }
    #expect(folder.text("a") == "old")
    #expect(folder.names() == ["a"])
  }

  @Test func errorsNameThePathAndTheReason() throws {
    let folder = try TemporaryFolder()
    func message(_ path: String) -> String {
      do {
        try writeAtomically("x", to: path)
        return "written"
      } catch {
        return "\(error)".replacing(folder.path, with: "T")
      }
    }
    #expect(message(folder.file("no/a")) == "T/no/a: cannot create: No such file or directory")
    #expect(message(folder.path) == "T: cannot write: Is a directory")
    #expect(
      message(folder.file(String(repeating: "n", count: 250))).hasSuffix(
        "cannot create: File name too long"))
    #expect(
      "\(FigmentError(path: "a", operation: "write", code: ENOSPC))"
        == "a: cannot write: No space left on device")
    #expect(
      "\(FigmentError(path: "a", operation: "create", code: EROFS))"
        == "a: cannot create: Read-only file system")
  }

  @Test func leftoversOfDeadProcessesAreRemoved() throws {
    let folder = try TemporaryFolder()
    let alive = ".a.png.\(getppid())-1.partial"
    let dead = [".a.png.2147483000-1.partial", ".checkpoint.safetensors.\(getpid())-99.partial"]
    let others = [".partial", ".a.partial", ".a.1-x.partial", "a.7-1.partial", ".lock", alive]
    for name in dead + others { try folder.put("x".utf8, at: name) }
    #expect(try removeLeftovers(in: folder.path) == dead.sorted())
    #expect(folder.names() == others.sorted())
  }
}
