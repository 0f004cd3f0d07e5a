import Glibc
import Synchronization

/// The program's standard error: lines, and on a terminal one status line that stays below them.
///
/// Progress and logs share one console, so that a message never lands in the middle of a bar.
package final class Console: Sendable {
  private let status = Mutex("")
  private let output: @Sendable (String) -> Void
  private let terminalWidth: @Sendable () -> Int?

  /// The console of this process.
  ///
  /// It counts as a terminal unless standard error is redirected or `TERM` is missing or "dumb".
  package convenience init() {
    let term = getenv("TERM").map { String(cString: $0) } ?? "dumb"
    let isTerminal = isatty(STDERR_FILENO) == 1 && term != "dumb"
    self.init(
      width: {
        guard isTerminal else { return nil }
        var size = winsize()
        let isKnown = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
        return isKnown ? Int(size.ws_col) : 80
      },
      output: { text in
        // If standard error cannot be written, there is no way to report it.
        var text = text
        text.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
      })
  }

  /// A console that writes through `output`.
  ///
  /// - Parameters:
  ///   - width: Number of columns, queried each time; nil if the console is not a terminal.
  ///   - output: Writes text to the console.
  package init(
    width: @escaping @Sendable () -> Int?, output: @escaping @Sendable (String) -> Void
  ) {
    terminalWidth = width
    self.output = output
  }

  /// Number of columns of the terminal, or nil if the console is not a terminal.
  package var width: Int? { terminalWidth() }

  /// Prints a line above the status line, with control characters escaped.
  ///
  /// All messages go through here, and file names in them may hold anything.
  package func print(_ line: String) {
    let line = escaped(line)
    status.withLock { status in
      output(status.isEmpty ? line + "\n" : "\r\u{1B}[K" + line + "\n" + status)
    }
  }

  /// Replaces the status line; does nothing unless the console is a terminal.
  package func show(_ newStatus: String) {
    guard width != nil else { return }
    status.withLock { status in
      status = newStatus
      output("\r" + newStatus + "\u{1B}[K")
    }
  }

  /// Ends the status line with a line break, so that it stays on the screen.
  package func settle() {
    status.withLock { status in
      if !status.isEmpty { output("\n") }
      status = ""
    }
  }
}
