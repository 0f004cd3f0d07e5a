import Glibc
import Support
import Training

/// Prints on standard output at once; where that cannot be written, one line says so and the process ends
/// with exit code 1.
///
/// It stands in for the standard library's, which drops what cannot be written. Where the reader of a pipe
/// has gone, as `head` does, the process ends quietly.
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
