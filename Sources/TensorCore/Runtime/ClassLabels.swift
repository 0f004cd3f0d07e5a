/// The class of each sample that is drawn by seed: those given, or else seed modulo classes; none where the
/// model is not told classes.
///
/// - Throws: `TensorError` where classes are given and the model has none, or they do not fit.
public func classLabels(_ given: [Int]?, seeds: [UInt64], classes: Int?) throws -> [Int] {
  guard let classes else {
    if given != nil {
      throw TensorError("the model was not told classes, so none can be asked for")
    }
    return []
  }
  let labels = given ?? seeds.map { Int($0 % UInt64(classes)) }
  guard labels.count == seeds.count, labels.allSatisfy({ (0..<classes).contains($0) }) else {
    throw TensorError(
      "expected a class from 0 to \(classes - 1) for each of \(seeds.count) samples, found \(labels)"
    )
  }
  return labels
}
