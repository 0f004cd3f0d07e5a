import Glibc

/// Opens `/dev/null` for each of the descriptors 0 to 2 that is closed.
///
/// Must be called before any file is opened: otherwise a file could get one of these numbers, and
/// output meant for the terminal would be written into it.
package func openStandardDescriptors() {
  for descriptor in STDIN_FILENO...STDERR_FILENO {
    guard fcntl(descriptor, F_GETFD) < 0, errno == EBADF else { continue }
    // The lowest free number is this one: those below are open.
    _ = open("/dev/null", O_RDWR)
  }
}

/// Ignores SIGPIPE, so that a write to a closed pipe fails instead of killing the process during
/// training.
package func ignorePipeSignal() { signal(SIGPIPE, SIG_IGN) }

/// Writes all of `text` to standard output.
///
/// - Throws: `FigmentError` with the system's reason.
package func writeToStandardOutput(_ text: String) throws {
  var text = text
  try text.withUTF8 { bytes in
    var done = 0
    while done < bytes.count {
      let count = write(STDOUT_FILENO, bytes.baseAddress.map { $0 + done }, bytes.count - done)
      if count < 0 && errno == EINTR { continue }
      if count < 0 && errno == EAGAIN {
        // Another process has made the pipe or terminal non-blocking.
        var waiting = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
        poll(&waiting, 1, -1)
        continue
      }
      guard count >= 0 else {
        throw FigmentError(path: "standard output", operation: "write", code: errno)
      }
      done += count
    }
  }
}

/// Ends the process by SIGPIPE, silently, like any program whose reader has gone away.
package func endByPipeSignal() -> Never {
  signal(SIGPIPE, SIG_DFL)
  raise(SIGPIPE)
  // Reached if the signal is blocked.
  exit(128 + SIGPIPE)
}
