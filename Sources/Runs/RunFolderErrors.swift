import Glibc
import Support

/// Reasons why a run cannot use a folder.
extension FigmentError {
  /// The folder holds this very run; `command` resumes it.
  static func runExists(_ folder: String, resumedBy command: String) -> FigmentError {
    FigmentError("\(printable(folder)) already holds this run; resume it with: \(command)")
  }

  /// The given folder holds a run of a different experiment.
  static func runDiffers(_ folder: String, _ differences: [String]) -> FigmentError {
    FigmentError(
      "\(printable(folder)) holds another run, which differs in \(list(differences)); "
        + "nothing was changed")
  }

  /// The given folder holds something other than a run.
  static func noRun(_ path: String, found: String) -> FigmentError {
    FigmentError("\(printable(path)) \(found), not a run; nothing was changed")
  }

  /// The run to resume has another number of steps than the command line asks for.
  static func otherHorizon(
    _ folder: String, there: String, here: String, others: [String]
  ) -> FigmentError {
    FigmentError(
      "\(printable(folder)) holds a run of \(there) step\(there == "1" ? "" : "s"), and the command line asks for \(here)"
        + (others.isEmpty ? "" : " (it differs also in \(list(others)))")
        + ": steps is the total and the horizon of the learning rate, so a run keeps its own. Resume it "
        + "with --steps \(there) --resume (--stop-at ends it early), or train \(here) from the "
        + "beginning, without --resume or with another --set name=")
  }

  /// Another process is working in the folder; `isLocked` holds for this error.
  static func runLocked(_ folder: String, by process: Int32?) -> FigmentError {
    FigmentError(
      "\(printable(folder)) is in use by another process" + (process.map { " (\($0))" } ?? ""),
      code: EWOULDBLOCK)
  }

  /// True if another process holds the lock of the folder.
  var isLocked: Bool { code == EWOULDBLOCK }

  /// The name is not valid for a folder.
  static func badRunName(_ name: String) -> FigmentError {
    FigmentError("\(quoted(name)) cannot be the name of a run folder")
  }

  /// The first eight differences, and the number of further ones.
  static func list(_ differences: [String]) -> String {
    let shown = differences.prefix(8).joined(separator: ", ")
    return differences.count > 8 ? shown + " and \(differences.count - 8) more" : shown
  }
}
