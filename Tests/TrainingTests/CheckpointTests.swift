import Formats
import Runs
import TensorCore
import TestSupport
import Testing

/// The arrays of a checkpoint.
@Suite struct CheckpointTests {
  @Test func scratchIsLeftOut() throws {
    let root = try TemporaryFolder()
    let run = try SmallRun.toy()
    let runtime = try Runtime(seed: 0, threads: 1)
    for kind in Variable.Kind.allCases {
      _ = try runtime.values(of: Variable("a \(kind)", kind, initially: .ones([2])))
    }
    let path = root.file("checkpoint.safetensors")
    try Checkpoint.write(runtime, try run.experiment(), run.data.domain, step: 3, to: path)
    let arrays = try SafetensorsReader(path).all()
    #expect(Set(arrays.map(\.name)) == ["a parameter", "a state"])
  }
}
