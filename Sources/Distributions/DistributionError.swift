/// What is wrong with a distribution's parameters or a value given to it: one line for a person.
///
/// The line names the value found and what was expected.
package struct DistributionError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The line, without a full stop and without a line break.
  package let message: String

  /// An error that prints as `message`.
  package init(_ message: String) {
    self.message = message
  }

  /// The line itself.
  package var description: String { message }
}

/// Throws unless `values` are as many as there are dimensions, and finite.
func check(_ values: [Double], count: Int, name: String) throws {
  guard values.count == count else {
    throw DistributionError("\(name) has \(values.count) numbers where \(count) were expected")
  }
  if let index = values.firstIndex(where: { !$0.isFinite }) {
    throw DistributionError("\(name) is \(values[index]) at index \(index), not a finite number")
  }
}
