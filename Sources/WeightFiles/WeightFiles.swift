import Formats
import Support
import TensorCore

extension Runtime {
  /// Writes the values of `variables` to a safetensors file, atomically.
  ///
  ///     try runtime.save(p.variables, to: "model.safetensors")
  ///     try runtime.save(p["encoder"].part.variables, to: "encoder.safetensors")
  ///
  /// A variable that no program has needed yet is written with its initial value.
  ///
  /// - Parameters:
  ///   - names: The name of an array in the file, from that of the variable; the same unless told.
  ///   - metadata: Texts that the file is to hold in addition to the arrays.
  /// - Throws: `FigmentError` where two arrays would have one name or the system refuses;
  ///   `TensorError` where an initial value is an invalid expression.
  public func save(
    _ variables: [Variable], to path: String, names: (String) -> String = { $0 },
    metadata: [String: String] = [:]
  ) throws {
    var sources: [String: Variable] = [:]
    let arrays = variables.map { variable in
      let array = ArrayDescription(name: names(variable.name), shape: variable.shape)
      sources[array.name] = variable
      return array
    }
    try Safetensors.write(arrays, metadata: metadata, to: path) { array, append in
      if let variable = sources[array.name] {
        let numbers = try self.values(of: variable)
        try append(numbers.span)
      }
    }
  }

  /// Gives `variables` the values that a safetensors file holds for them, all or none.
  ///
  ///     try runtime.load(p.variables, from: "model.safetensors")
  ///     try runtime.load(p["encoder"].part.variables, from: "model.safetensors", others: .ignored)
  ///     try runtime.load(p.variables, from: "old.safetensors") { "old/" + $0 }
  ///
  /// Names and shapes of all arrays are checked, and their values read, before the first variable changes.
  ///
  /// - Parameters:
  ///   - others: The treatment of arrays that belong to none of the variables.
  ///   - names: The name of an array in the file, from that of the variable; the same unless told. Two
  ///     variables may be given one array.
  /// - Throws: `FigmentError` with every array that is missing, left over or of another shape, in one
  ///   line; or where the file cannot be read.
  public func load(
    _ variables: [Variable], from path: String, others: OtherArrays = .refused,
    names: (String) -> String = { $0 }
  ) throws {
    let reader = try SafetensorsReader(path)
    let wanted = variables.map { (variable: $0, name: names($0.name)) }
    let problems = Mismatches(
      of: reader.arrays, wanted.map { ($0.name, $0.variable.shape) }, others: others)
    guard problems.isEmpty else { throw FigmentError(path: path, problem: problems.description) }
    for variable in variables {
      guard let shape = shape(ofVariable: variable.name), shape != variable.shape else { continue }
      throw FigmentError(
        path: path,
        problem:
          "variable \(variable.name) has shape \(shape) in the runtime and \(variable.shape) "
          + "in the model; load into the runtime that the model was compiled in")
    }
    let values = try wanted.map { try reader.values(of: $0.name) }
    for (pair, values) in zip(wanted, values) {
      try restore(variable: pair.variable.name, shape: pair.variable.shape, values)
    }
  }
}

/// The treatment of arrays of a file that belong to none of the variables.
public enum OtherArrays: Sendable {
  /// Reject the file: a misspelt name would leave such an array.
  case refused
  /// Ignore them.
  case ignored
}

/// Differences between the arrays of a file and those that are wanted.
private struct Mismatches: CustomStringConvertible {
  private let missing, extra, reshaped: [String]

  init(of arrays: [ArrayDescription], _ wanted: [(name: String, shape: [Int])], others: OtherArrays)
  {
    let shapes = Dictionary(arrays.map { ($0.name, $0.shape) }) { first, _ in first }
    let names = Set(wanted.map(\.name))
    missing = wanted.filter { shapes[$0.name] == nil }.map { "\($0.name) \($0.shape)" }
    extra =
      others == .ignored
      ? [] : arrays.filter { !names.contains($0.name) }.map { "\($0.name) \($0.shape)" }
    reshaped = wanted.compactMap { name, shape in
      shapes[name].flatMap { $0 == shape ? nil : "\(name) \($0), expected \(shape)" }
    }
  }

  var isEmpty: Bool { missing.isEmpty && extra.isEmpty && reshaped.isEmpty }

  var description: String {
    var parts: [String] = []
    if !missing.isEmpty { parts.append("lacks " + missing.joined(separator: ", ")) }
    if !extra.isEmpty {
      parts.append(
        "holds " + extra.joined(separator: ", ") + ", which no variable is given (others: .ignored "
          + "leaves them)")
    }
    if !reshaped.isEmpty { parts.append("has other shapes: " + reshaped.joined(separator: "; ")) }
    return "does not fit the variables: " + parts.joined(separator: "; ") + "; nothing is loaded"
  }
}
