import Glibc
import Synchronization

/// The standard error of the program: lines, and on a terminal one status line that stays below them.
///
/// Progress and logs share one console, so that a message never lands in the middle of a bar.
package final class Console: Sendable {
  private let status = Mutex("")
  private let output: @Sendable (String) -> Void
  private let terminalWidth: @Sendable () -> Int?

  /// The console of this process.
  ///
  /// It is no terminal where standard error is redirected or `TERM` is missing or "dumb".
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
        // Nobody is left to be told where standard error cannot be written.
        var text = text
        text.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
      })
  }

  /// A console that writes through `output`.
  ///
  /// `width` is the number of columns, asked for anew each time, or nothing where the console is
  /// not a terminal.
  package init(
    width: @escaping @Sendable () -> Int?, output: @escaping @Sendable (String) -> Void
  ) {
    terminalWidth = width
    self.output = output
  }

  /// The columns of the terminal, or nothing where the console is none.
  package var width: Int? { terminalWidth() }

  /// Prints a line above the status line; what a terminal would act upon in it is escaped.
  ///
  /// All messages pass here, and names of files in them may hold anything.
  package func print(_ line: String) {
    let line = escaped(line)
    status.withLock { status in
      output(status.isEmpty ? line + "\n" : "\r\u{1B}[K" + line + "\n" + status)
    }
  }

  /// Replaces the status line; only a terminal has one.
  package func show(_ newStatus: String) {
    guard width != nil else { return }
    status.withLock { status in
      status = newStatus
      output("\r" + newStatus + "\u{1B}[K")
    }
  }

  /// Leaves the status line where it is, as a line of its own.
  package func settle() {
    status.withLock { status in
      if !status.isEmpty { output("\n") }
      status = ""
    }
  }
}
