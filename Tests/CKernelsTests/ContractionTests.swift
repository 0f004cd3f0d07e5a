import CKernels
import Testing

/// SplitMix64.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

private struct Problem: CustomTestStringConvertible, Sendable {
  var shape = fk_contraction_shape()
  var testDescription: String

  static func matmul(
    _ batch: Int, _ m: Int, _ k: Int, _ n: Int, transposedLeft: Bool = false,
    transposedRight: Bool = false
  ) -> Problem {
    let marks =
      (transposedLeft ? " left transposed" : "") + (transposedRight ? " right transposed" : "")
    var problem = Problem(testDescription: "matmul \(batch)x\(m)x\(k)x\(n)\(marks)")
    problem.shape.kind = FK_MATMUL
    problem.shape.batch = Int64(batch)
    problem.shape.m = Int64(m)
    problem.shape.k = Int64(k)
    problem.shape.n = Int64(n)
    problem.shape.transposed_left = transposedLeft ? 1 : 0
    problem.shape.transposed_right = transposedRight ? 1 : 0
    return problem
  }

  static func convolutions(
    images: Int, _ height: Int, _ width: Int, _ channels: Int, filter: Int, to outChannels: Int,
    stride: Int = 1,
    padding: Int
  ) -> [Problem] {
    let kinds = [("conv", FK_CONV), ("convInput", FK_CONV_INPUT), ("convFilter", FK_CONV_FILTER)]
    return kinds.map { name, kind in
      var problem = Problem(
        testDescription:
          "\(name) \(images)x\(height)x\(width)x\(channels) \(filter)x\(filter) to \(outChannels), "
          + "stride \(stride), padding \(padding)")
      problem.shape.kind = kind
      problem.shape.images = Int64(images)
      problem.shape.height = Int64(height)
      problem.shape.width = Int64(width)
      problem.shape.channels = Int64(channels)
      problem.shape.filter_height = Int64(filter)
      problem.shape.filter_width = Int64(filter)
      problem.shape.out_channels = Int64(outChannels)
      problem.shape.out_height = Int64((height + 2 * padding - filter) / stride + 1)
      problem.shape.out_width = Int64((width + 2 * padding - filter) / stride + 1)
      problem.shape.stride = Int32(stride)
      problem.shape.padding_top = Int32(padding)
      problem.shape.padding_left = Int32(padding)
      return problem
    }
  }

  var image: Int { Int(shape.images * shape.height * shape.width * shape.channels) }
  var filter: Int {
    Int(shape.filter_height * shape.filter_width * shape.channels * shape.out_channels)
  }
  var result: Int { Int(shape.images * shape.out_height * shape.out_width * shape.out_channels) }

  /// Elements of left, right and out.
  var counts: (left: Int, right: Int, out: Int) {
    switch shape.kind {
    case FK_MATMUL:
      (
        Int(shape.batch * shape.m * shape.k), Int(shape.batch * shape.k * shape.n),
        Int(shape.batch * shape.m * shape.n)
      )
    case FK_CONV: (image, filter, result)
    case FK_CONV_INPUT: (result, filter, image)
    default: (image, result, filter)
    }
  }

  /// Calls `body` with the positions in left, right and out of each product in the sum.
  func forEachProduct(_ body: (_ left: Int, _ right: Int, _ out: Int) -> Void) {
    if shape.kind == FK_MATMUL {
      let (m, k, n) = (Int(shape.m), Int(shape.k), Int(shape.n))
      for b in 0..<Int(shape.batch) {
        for i in 0..<m {
          for l in 0..<k {
            let left = b * m * k + (shape.transposed_left != 0 ? l * m + i : i * k + l)
            for j in 0..<n {
              let right = b * k * n + (shape.transposed_right != 0 ? j * k + l : l * n + j)
              body(left, right, b * m * n + i * n + j)
            }
          }
        }
      }
      return
    }
    let (height, width, channels) = (Int(shape.height), Int(shape.width), Int(shape.channels))
    let (outHeight, outWidth, outChannels) = (
      Int(shape.out_height), Int(shape.out_width), Int(shape.out_channels)
    )
    for image in 0..<Int(shape.images) {
      for oh in 0..<outHeight {
        for ow in 0..<outWidth {
          let resultBase = ((image * outHeight + oh) * outWidth + ow) * outChannels
          for u in 0..<Int(shape.filter_height) {
            let h = oh * Int(shape.stride) + u - Int(shape.padding_top)
            guard h >= 0, h < height else { continue }
            for v in 0..<Int(shape.filter_width) {
              let w = ow * Int(shape.stride) + v - Int(shape.padding_left)
              guard w >= 0, w < width else { continue }
              for c in 0..<channels {
                let imageIndex = ((image * height + h) * width + w) * channels + c
                let filterBase = ((u * Int(shape.filter_width) + v) * channels + c) * outChannels
                for o in 0..<outChannels {
                  switch shape.kind {
                  case FK_CONV: body(imageIndex, filterBase + o, resultBase + o)
                  case FK_CONV_INPUT: body(resultBase + o, filterBase + o, imageIndex)
                  default: body(imageIndex, resultBase + o, filterBase + o)
                  }
                }
              }
            }
          }
        }
      }
    }
  }
}

private struct Refusal: Error, CustomStringConvertible { var description: String }

/// Runs it `times` times on `threads` workers and returns the last result; every run starts from rubbish.
private func run(_ problem: Problem, _ left: [Float], _ right: [Float], threads: Int32, times: Int)
  throws -> [Float]
{
  var message = [CChar](repeating: 0, count: 256)
  var shape = problem.shape
  guard let contraction = fk_contraction_create(&shape, threads, &message) else {
    throw Refusal(
      description: String(decoding: message.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self))
  }
  defer { fk_contraction_destroy(contraction) }
  guard let pool = fk_pool_create(threads) else { throw Refusal(description: "no pool") }
  defer { fk_pool_destroy(pool) }
  func array(_ values: [Float]) -> UnsafeMutableBufferPointer<Float> {
    let bytes = UnsafeMutableRawPointer.allocate(byteCount: values.count * 4, alignment: 64)
    let floats = UnsafeMutableBufferPointer(
      start: bytes.bindMemory(to: Float.self, capacity: values.count), count: values.count)
    _ = floats.initialize(from: values)
    return floats
  }
  let a = array(left), b = array(right),
    out = array([Float](repeating: .nan, count: problem.counts.out))
  let size = fk_contraction_workspace(contraction)
  #expect(size % 64 == 0)
  let guardBytes = 64
  let workspace =
    size == 0 ? nil : UnsafeMutableRawPointer.allocate(byteCount: size + guardBytes, alignment: 64)
  workspace?.initializeMemory(as: UInt8.self, repeating: 0xFF, count: size + guardBytes)
  defer {
    a.deallocate()
    b.deallocate()
    out.deallocate()
    workspace?.deallocate()
  }
  guard let leftBase = a.baseAddress, let rightBase = b.baseAddress, let outBase = out.baseAddress
  else { return [] }
  fk_contraction_bind(contraction, leftBase, rightBase, outBase, nil, workspace)
  var names = [UnsafePointer<CChar>](
    repeating: fk_contraction_implementation(contraction), count: 8)
  let none = fk_step(run: { _, _, _ in }, arguments: leftBase, pieces: 0)
  var steps = [fk_step](repeating: none, count: 8)
  let count = fk_contraction_steps(contraction, &steps, &names)
  #expect((1...8).contains(count))
  for _ in 0..<times {
    out.update(repeating: .nan)
    fk_run(pool, steps, count)
  }
  if let workspace {
    let tail = UnsafeRawBufferPointer(start: workspace + size, count: guardBytes)
    #expect(tail.allSatisfy { $0 == 0xFF }, "it wrote past its workspace")
  }
  return Array(out)
}

private func problems() -> [Problem] {
  var list: [Problem] = []
  for (transposedLeft, transposedRight) in [
    (false, false), (true, false), (false, true), (true, true),
  ] {
    for (batch, m, k, n) in [
      (1, 3, 5, 7), (1, 128, 130, 96), (1, 70, 200, 300), (1, 8, 300, 500), (1, 1, 128, 256),
      (1, 256, 128, 1),
      (1, 128, 1, 65), (1, 1, 1, 1), (1, 256, 2, 128), (1, 256, 128, 2), (1, 1024, 700, 1),
      (1, 100, 512, 330),
      (3, 17, 19, 23), (6, 49, 32, 49), (5, 49, 64, 80), (9, 1, 16, 12), (128, 4, 8, 1),
    ] {
      list.append(
        .matmul(batch, m, k, n, transposedLeft: transposedLeft, transposedRight: transposedRight))
    }
  }
  list += Problem.convolutions(images: 1, 5, 5, 3, filter: 3, to: 2, padding: 1)
  list += Problem.convolutions(images: 6, 14, 14, 16, filter: 3, to: 32, padding: 1)
  list += Problem.convolutions(images: 7, 9, 11, 5, filter: 3, to: 7, padding: 0)
  list += Problem.convolutions(images: 5, 9, 7, 20, filter: 5, to: 24, padding: 2)
  list += Problem.convolutions(images: 3, 10, 13, 4, filter: 5, to: 6, stride: 2, padding: 2)
  list += Problem.convolutions(images: 6, 14, 14, 32, filter: 3, to: 32, stride: 2, padding: 1)
  list += Problem.convolutions(images: 5, 8, 9, 12, filter: 3, to: 17, stride: 2, padding: 0)
  list += Problem.convolutions(images: 4, 7, 7, 16, filter: 3, to: 16, stride: 2, padding: 1)
  list += Problem.convolutions(images: 6, 7, 7, 48, filter: 1, to: 33, padding: 0)
  list += Problem.convolutions(images: 6, 8, 8, 32, filter: 1, to: 16, stride: 2, padding: 0)
  list += Problem.convolutions(images: 9, 28, 28, 1, filter: 3, to: 32, padding: 1)
  list += Problem.convolutions(images: 9, 28, 28, 32, filter: 3, to: 1, padding: 1)
  list += Problem.convolutions(images: 50, 9, 11, 12, filter: 5, to: 1, padding: 0)
  list += Problem.convolutions(images: 50, 7, 6, 1, filter: 3, to: 24, padding: 2)
  list += Problem.convolutions(images: 3, 7, 7, 8, filter: 7, to: 1, padding: 0)
  list += Problem.convolutions(images: 2, 3, 3, 16, filter: 3, to: 1, padding: 5)
  list += Problem.convolutions(images: 4, 12, 12, 1, filter: 5, to: 1, padding: 2)
  list += Problem.convolutions(images: 4, 7, 7, 96, filter: 3, to: 48, padding: 2)
  list += Problem.convolutions(images: 4, 28, 28, 1, filter: 4, to: 16, stride: 2, padding: 1)
  list += Problem.convolutions(images: 3, 7, 7, 64, filter: 7, to: 80, padding: 0)
  return list
}

@Suite(.serialized) struct ContractionTests {
  @Test(arguments: problems())
  fileprivate func agreesWithNaiveSumsAtAnyThreadCount(_ problem: Problem) throws {
    let seed: UInt64 = 20_240
    var generator = SeededGenerator(seed: seed)
    let counts = problem.counts
    let left = (0..<counts.left).map { _ in Float.random(in: -1...1, using: &generator) }
    let right = (0..<counts.right).map { _ in Float.random(in: -1...1, using: &generator) }
    var sums = [Double](repeating: 0, count: counts.out)
    var magnitudes = sums
    var lengths = [Int](repeating: 0, count: counts.out)
    problem.forEachProduct { l, r, o in
      let product = Double(left[l]) * Double(right[r])
      sums[o] += product
      magnitudes[o] += abs(product)
      lengths[o] += 1
    }
    let single = try run(problem, left, right, threads: 1, times: 1)
    for o in sums.indices {
      // Each of the sum's roundings is at most half a unit, 2^-24, of a partial sum that the magnitudes bound.
      let bound = Double(lengths[o] + 2) * 0x1p-24 * magnitudes[o]
      guard abs(Double(single[o]) - sums[o]) <= bound else {
        Issue.record(
          "\(problem.testDescription), seed \(seed): element \(o) is \(single[o]) instead of \(sums[o]), bound \(bound)"
        )
        return
      }
    }
    for times in [1, 3] {
      let double = try run(problem, left, right, threads: 2, times: times)
      let same = zip(single, double).allSatisfy { $0.bitPattern == $1.bitPattern }
      #expect(
        same,
        "\(problem.testDescription), seed \(seed): other bytes at two threads after \(times) runs")
    }
  }

  @Test func refusesWithAMessage() {
    var message = [CChar](repeating: 0, count: 256)
    var shape = Problem.matmul(1, 0, 3, 3).shape
    #expect(fk_contraction_create(&shape, 1, &message) == nil)
    #expect(message[0] != 0)
  }

  @Test func countsTwoOperationsPerMultiplyAdd() throws {
    var message = [CChar](repeating: 0, count: 256)
    var shape = Problem.matmul(2, 3, 5, 7).shape
    let contraction = try #require(fk_contraction_create(&shape, 1, &message))
    #expect(fk_contraction_flops(contraction) == 420)
    fk_contraction_destroy(contraction)
  }
}
