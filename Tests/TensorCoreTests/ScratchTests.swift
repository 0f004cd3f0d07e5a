import TensorCore
import Testing
import Foundation

@Suite struct ScratchTests {
  @Test func dump() throws {
    for seed in [Int(ProcessInfo.processInfo.environment["GRAPH"] ?? "0") ?? 0] {
      let graph = RandomGraph(seed: seed)
      let simple = simplify(try Listing("p", outputs: graph.outputs, updates: graph.updates))
      let f = try fuse(simple)
      print(f.listing)
      for k in f.kernels { print(k) }
    }
  }
}
