import Support

/// Throws unless `values` are as many as there are dimensions, and finite.
func check(_ values: [Double], count: Int, name: String) throws {
  guard values.count == count else {
    throw FigmentError("\(name) has \(values.count) numbers where \(count) were expected")
  }
  if let index = values.firstIndex(where: { !$0.isFinite }) {
    throw FigmentError("\(name) is \(values[index]) at index \(index), not a finite number")
  }
}
