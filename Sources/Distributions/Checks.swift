import Support

/// Throws unless `values` has `count` elements, all finite.
func check(_ values: [Double], count: Int, name: String) throws {
  guard values.count == count else {
    throw FigmentError("\(name) has \(values.count) numbers; expected \(count)")
  }
  if let index = values.firstIndex(where: { !$0.isFinite }) {
    throw FigmentError("\(name) is \(values[index]) at index \(index), not a finite number")
  }
}
