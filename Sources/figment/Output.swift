import Glibc
import Support
import Training

/// Prints to standard output without buffering; if that fails, prints a one-line error and exits
/// with code 1.
///
/// Replaces the standard library's `print`, which ignores write errors. If the reader of a pipe has
/// gone, as with `head`, the process exits quietly.
func print(_ text: String, terminator: String = "\n") {
  do {
    try writeToStandardOutput(text + terminator)
  } catch let error as FigmentError where error.code == EPIPE {
    endByPipeSignal()
  } catch {
    Console().print("error: \(error)")
    exit(1)
  }
}
