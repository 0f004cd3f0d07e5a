import Foundation
import Testing

/// Output on limited terminals or without one, and options that reduce it.
@Suite struct TerminalTests {
  let tool: Tool

  init() throws {
    tool = try Tool()
    try tool.write(tiny, to: "tiny.yaml")
  }

  /// A terminal with a number of columns, 0 for unknown, and the text written to it.
  private func onTerminal(
    columns: UInt16, type: String?, _ line: String
  ) throws -> (result: Tool.Result, screen: String) {
    // Implements posix_openpt, unlockpt and ptsname, which Glibc hides from Swift.
    let leader = open("/dev/ptmx", O_RDWR | O_NOCTTY)
    defer { close(leader) }
    var (lock, number): (CInt, CInt) = (0, 0)
    let (unlock, getNumber) = (UInt(0x4004_5431), UInt(0x8004_5430))
    var size = winsize(ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
    let isReady =
      leader >= 0 && ioctl(leader, unlock, &lock) == 0 && ioctl(leader, getNumber, &number) == 0
      && ioctl(leader, UInt(TIOCSWINSZ), &size) == 0
    try #require(isReady)
    let name = "/dev/pts/\(number)"
    let terminal = try #require(FileHandle(forUpdatingAtPath: name))
    let result = try tool.run(
      line, terminal: terminal, environment: type.map { ["TERM": $0] } ?? [:])
    try terminal.close()
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    // Everything written is in the terminal's buffer; a blocking read would never return.
    _ = fcntl(leader, F_SETFL, O_NONBLOCK)
    let count = read(leader, &bytes, bytes.count)
    return (result, String(decoding: bytes.prefix(max(0, count)), as: UTF8.self))
  }

  @Test(arguments: [0, 1, 3, 40, 80] as [UInt16])
  func theProgressBarFitsTheTerminal(_ columns: UInt16) throws {
    let trained = try tool.run("train tiny.yaml --quiet")
    try #require(trained.code == 0)
    let (result, screen) = try onTerminal(columns: columns, type: "xterm", "sample outputs/tiny")
    #expect(result.code == 0)
    #expect(result.output == "outputs/tiny/samples/drawn.png\n")
    #expect(screen.hasPrefix("\r"))
    let width = columns == 0 ? 80 : Int(columns)
    // By scalars: "\r
    // " is one character.
    let drawings = screen.unicodeScalars.split { $0 == "\r" || $0 == "\n" }.map { String($0) }
    #expect(!drawings.isEmpty)
    for drawing in drawings {
      let visible = drawing.replacing("\u{1B}[K", with: "")
      #expect(visible.count < width, "\(drawing.debugDescription)")
      #expect(!visible.contains("\u{1B}"), "no colours, no movement")
    }
  }

  @Test(arguments: ["dumb", nil])
  func withoutATerminalTypeProgressIsLines(_ type: String?) throws {
    let (result, screen) = try onTerminal(columns: 80, type: type, "train tiny.yaml")
    #expect(result.code == 0)
    #expect(screen.hasPrefix("run folder outputs/tiny\r\n"))
    #expect(screen.contains("steps 30/30 (100 %)"))
    #expect(!screen.contains("\u{1B}"))
  }

  @Test func errorsOnATerminalAreOneUncolouredLine() throws {
    let (result, screen) = try onTerminal(columns: 20, type: "xterm", "sample nowhere")
    #expect(result.code == 1)
    #expect(screen == "error: nowhere: is not a run folder\r\n")
  }

  @Test func quietPrintsNothing() throws {
    for line in ["train tiny.yaml --quiet", "sample outputs/tiny --quiet"] {
      let result = try tool.run(line)
      #expect(result.code == 0)
      #expect(result.errors.isEmpty, "\(line)")
      #expect(result.output.count { $0 == "\n" } == 1, "\(line)")
    }
  }

  @Test func theVersionNeedsNothingFromItsEnvironment() throws {
    let result = try tool.run("--version", environment: [:])
    #expect(result.code == 0)
    #expect(result.output == "0.1.0\n")
    #expect(result.errors.isEmpty)
  }

  @Test(arguments: ["bash", "zsh", "fish"])
  func shellsCompleteCommands(_ shell: String) throws {
    let result = try tool.run("--generate-completion-script \(shell)")
    #expect(result.code == 0)
    #expect(result.errors.isEmpty)
    for word in ["train", "compare", "resume", "data-directory"] {
      #expect(result.output.contains(word), "\(word)")
    }
    if shell == "bash" {
      try tool.write(result.output, to: "completion.bash")
      let check = Process()
      check.executableURL = URL(fileURLWithPath: "/bin/bash")
      check.arguments = ["-n", tool.path("completion.bash")]
      try check.run()
      check.waitUntilExit()
      #expect(check.terminationStatus == 0)
    }
  }
}
