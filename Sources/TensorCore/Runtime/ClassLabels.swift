/// The class of each sample that is drawn by seed: `given`, or else seed modulo classes; empty where the
/// model is not class-conditional.
///
/// - Throws: `TensorError` where classes are given and the model is not class-conditional, or they do not fit.
public func classLabels(_ given: [Int]?, seeds: [UInt64], classes: Int?) throws -> [Int] {
  guard let classes else {
    if given != nil {
      throw TensorError("the model is not class-conditional: expected no classes")
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
