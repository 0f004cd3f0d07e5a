import Formats
import Support
import TensorCore
import TestSupport
import Testing
import WeightFiles

/// Weights saved and loaded by name, whole, in part and renamed; a file that does not fit changes nothing.
@Suite struct WeightFilesTests {
  /// A model of two parts, and a runtime that holds its weights.
  private struct Model {
    let parameters = Parameters("model")
    let value: Tensor
    let runtime: Runtime

    init(seed: UInt64, width: Int = 4) throws {
      let first = dense(3, width, parameters["first"])
      let second = dense(width, 2, bias: false, parameters["second"])
      value = second(tanh(first(.literal([1, -2, 0.5], [1, 3]))))
      runtime = try Runtime(seed: seed, threads: 1)
    }

    func bits() throws -> [[UInt32]] {
      try parameters.variables.map { try runtime.values(of: $0).map(\.bitPattern) }
    }
  }

  @Test func weightsGoThroughAFile() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("model.safetensors")
    let (a, b) = (try Model(seed: 1), try Model(seed: 2))
    #expect(try a.bits() != b.bits())
    try a.runtime.save(a.parameters.variables, to: path, metadata: ["note": "a"])
    let reader = try SafetensorsReader(path)
    #expect(
      reader.arrays.map(\.name) == [
        "model/first/bias", "model/first/weight", "model/second/weight",
      ])
    #expect(reader.metadata == ["note": "a"])
    let program = try b.runtime.compile("value", [b.value])
    try b.runtime.load(b.parameters.variables, from: path)
    #expect(try a.bits() == b.bits())
    // What was compiled before reads the loaded weights.
    program.run()
    let other = try a.runtime.compile("value", [a.value])
    other.run()
    #expect(try program.values(b.value) == other.values(a.value))
  }

  @Test func partsAndRenamedWeightsAreLoaded() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("part.safetensors")
    let (a, b) = (try Model(seed: 1), try Model(seed: 2))
    let before = try b.bits()
    try a.runtime.save(a.parameters.variables, to: path) { "old/" + $0 }
    let first = b.parameters["first"].part.variables
    try b.runtime.load(first, from: path, others: .ignored) { "old/" + $0 }
    let (after, expected) = (try b.bits(), try a.bits())
    #expect(Array(after[0..<2]) == Array(expected[0..<2]))
    #expect(after[2] == before[2])
  }

  @Test func twoArraysOfOneNameAreRefused() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("twice.safetensors")
    let model = try Model(seed: 1)
    #expect {
      try model.runtime.save(model.parameters.variables, to: path) { _ in "same" }
    } throws: {
      "\($0)".contains("cannot hold two arrays of the name")
    }
    #expect(throws: FigmentError.self) { _ = try SafetensorsReader(path) }
  }

  @Test func whatDoesNotFitIsNamedInOneLineAndChangesNothing() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("other.safetensors")
    let model = try Model(seed: 1)
    let before = try model.bits()
    try Safetensors.write(
      [
        NamedArray(name: "model/first/bias", shape: [4], values: [9, 9, 9, 9]),
        NamedArray(
          name: "model/first/weight", shape: [4, 3], values: Array(repeating: 9, count: 12)),
        NamedArray(name: "model/third", shape: [], values: [9]),
      ], to: path)
    #expect {
      try model.runtime.load(model.parameters.variables, from: path)
    } throws: {
      "\($0)".hasSuffix(
        "other.safetensors: does not fit the variables: lacks model/second/weight [4, 2]; holds "
          + "model/third [], which no variable is given (others: .ignored leaves them); has other "
          + "shapes: model/first/weight [4, 3], expected [3, 4]; nothing is loaded")
    }
    #expect(try model.bits() == before)
  }

  @Test func aDamagedFileChangesNothing() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("cut.safetensors")
    let (a, b) = (try Model(seed: 1), try Model(seed: 2))
    let before = try b.bits()
    try a.runtime.save(a.parameters.variables, to: path)
    try folder.put(try #require(folder.bytes("cut.safetensors")).dropLast(4), at: "cut.safetensors")
    #expect(throws: FigmentError.self) {
      try b.runtime.load(b.parameters.variables, from: path)
    }
    #expect(try b.bits() == before)
  }

  @Test func aRuntimeWithAnotherModelIsRefused() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("wide.safetensors")
    let (narrow, wide) = (try Model(seed: 1), try Model(seed: 1, width: 5))
    let before = try narrow.bits()
    try wide.runtime.save(wide.parameters.variables, to: path)
    #expect {
      try narrow.runtime.load(wide.parameters.variables, from: path)
    } throws: {
      "\($0)".contains("variable model/first/weight has shape [3, 4] in the runtime and [3, 5]")
    }
    #expect(try narrow.bits() == before)
  }
}
