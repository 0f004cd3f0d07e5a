/// Something that looks at a training after each step.
package protocol Observer: AnyObject {
  /// Takes note of a step; what it finds out for those after it, it adds to the report.
  func observe(_ report: inout StepReport) throws
}
