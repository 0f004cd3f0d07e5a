import Glibc

/// Opens `/dev/null` in place of each of the descriptors 0 to 2 that is closed.
///
/// Of use before any file is opened: it would else get one of their numbers, and what is meant for the
/// terminal would land in it.
package func openStandardDescriptors() {
  for descriptor in STDIN_FILENO...STDERR_FILENO {
    guard fcntl(descriptor, F_GETFD) < 0, errno == EBADF else { continue }
    // The lowest free number is this one: those below are open.
    _ = open("/dev/null", O_RDWR)
  }
}

/// Lets a write to a closed pipe fail with an error instead of killing the process, which may be training.
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
        // A pipe or terminal that another process has set not to block.
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

/// Ends the process as one ends whose reader has gone: by SIGPIPE, without a word.
package func endByPipeSignal() -> Never {
  signal(SIGPIPE, SIG_DFL)
  raise(SIGPIPE)
  // The signal may be blocked.
  exit(128 + SIGPIPE)
}
