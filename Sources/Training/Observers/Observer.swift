/// An observer of a training, called after each step.
package protocol Observer: AnyObject {
  /// Observes a step; findings for the observers after it are added to the report.
  func observe(_ report: inout StepReport) throws
}
