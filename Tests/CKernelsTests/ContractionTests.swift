import CKernels
import TestSupport
import Testing

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
    stride: Int = 1, padding: Int
  ) -> [Problem] {
    convolutions(
      images: images, height, width, channels, filter: (filter, filter), to: outChannels,
      stride: stride, near: (padding, padding), far: (padding, padding))
  }

  static func convolutions(
    images: Int, _ height: Int, _ width: Int, _ channels: Int, filter: (Int, Int),
    to outChannels: Int, stride: Int = 1, near: (Int, Int), far: (Int, Int)
  ) -> [Problem] {
    let kinds = [("conv", FK_CONV), ("convInput", FK_CONV_INPUT), ("convFilter", FK_CONV_FILTER)]
    return kinds.map { name, kind in
      var problem = Problem(
        testDescription:
          "\(name) \(images)x\(height)x\(width)x\(channels) \(filter.0)x\(filter.1) to \(outChannels), "
          + "stride \(stride), padding \(near)...\(far)")
      problem.shape.kind = kind
      problem.shape.images = Int64(images)
      problem.shape.height = Int64(height)
      problem.shape.width = Int64(width)
      problem.shape.channels = Int64(channels)
      problem.shape.filter_height = Int64(filter.0)
      problem.shape.filter_width = Int64(filter.1)
      problem.shape.out_channels = Int64(outChannels)
      problem.shape.out_height = Int64((height + near.0 + far.0 - filter.0) / stride + 1)
      problem.shape.out_width = Int64((width + near.1 + far.1 - filter.1) / stride + 1)
      problem.shape.stride = Int32(stride)
      problem.shape.padding_top = Int32(near.0)
      problem.shape.padding_left = Int32(near.1)
      return problem
    }
  }

  /// The same sums in bf16, the arrays stored as `types` says: bits 0, 1 and 2 for left, right and out.
  func inBF16(stored types: Int) -> Problem {
    var problem = self
    func type(_ bit: Int) -> fk_type { types >> bit & 1 == 1 ? FK_BF16 : FK_FP32 }
    problem.shape.compute = FK_BF16
    problem.shape.left_type = type(0)
    problem.shape.right_type = type(1)
    problem.shape.out_type = type(2)
    let names = (0..<3).map { types >> $0 & 1 == 1 ? "bf16" : "fp32" }
    problem.testDescription += ", bf16 from \(names[0]) and \(names[1]) to \(names[2])"
    return problem
  }

  /// The epilogue: a bias (bit 0) and accumulation (bit 1), where the kind has them.
  func adding(_ extras: Int) -> Problem {
    var problem = self
    if shape.kind == FK_CONV_FILTER || extras == 0 { return problem }
    problem.shape.has_bias = Int32(extras & 1)
    problem.shape.accumulates = Int32(extras >> 1 & 1)
    problem.testDescription += ["", ", biased", ", accumulated", ", biased, accumulated"][extras]
    return problem
  }

  /// Columns of the result, as the bias counts them.
  var columns: Int {
    switch shape.kind {
    case FK_MATMUL: Int(shape.n)
    case FK_CONV_INPUT: Int(shape.channels)
    default: Int(shape.out_channels)
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

/// Rounded to the nearest bf16, ties to even.
private func roundedToBF16(_ x: Float) -> Float {
  Float(bitPattern: (x.bitPattern + 0x7FFF + (x.bitPattern >> 16 & 1)) & 0xFFFF_0000)
}

/// An array in memory as the kernels store it.
private struct Stored {
  let type: fk_type
  let bytes: UnsafeMutableRawBufferPointer

  init(_ values: [Float], _ type: fk_type) {
    self.type = type
    bytes = .allocate(byteCount: max(1, values.count * (type == FK_BF16 ? 2 : 4)), alignment: 64)
    store(values)
  }

  func store(_ values: [Float]) {
    for (i, value) in values.enumerated() {
      if type == FK_BF16 {
        bytes.storeBytes(
          of: UInt16(roundedToBF16(value).bitPattern >> 16), toByteOffset: 2 * i, as: UInt16.self)
      } else {
        bytes.storeBytes(of: value, toByteOffset: 4 * i, as: Float.self)
      }
    }
  }

  var values: [Float] {
    if type == FK_BF16 {
      return bytes.bindMemory(to: UInt16.self).map { Float(bitPattern: UInt32($0) << 16) }
    }
    return Array(bytes.bindMemory(to: Float.self))
  }
}

/// All arrays that a run reads.
private struct Operands {
  var left, right, bias, initial: [Float]

  /// Uniform in -1...1, and in bf16 of values that it holds exactly.
  init(_ problem: Problem, seed: UInt64) {
    var generator = SplitMix64(state: seed)
    func draw(_ count: Int, exactIn type: fk_type) -> [Float] {
      (0..<count).map { _ in
        let value = Float.random(in: -1...1, using: &generator)
        return type == FK_BF16 ? roundedToBF16(value) : value
      }
    }
    let (counts, shape) = (problem.counts, problem.shape)
    left = draw(counts.left, exactIn: shape.compute)
    right = draw(counts.right, exactIn: shape.compute)
    bias = shape.has_bias != 0 ? draw(problem.columns, exactIn: FK_FP32) : []
    initial =
      shape.accumulates != 0
      ? draw(counts.out, exactIn: shape.out_type) : [Float](repeating: .nan, count: counts.out)
  }
}

/// Runs it `times` times on `threads` workers and returns the last result; every run that does not accumulate starts
/// from rubbish.
private func run(_ problem: Problem, _ operands: Operands, threads: Int32, times: Int) throws
  -> [Float]
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
  let a = Stored(operands.left, shape.left_type), b = Stored(operands.right, shape.right_type)
  let out = Stored(operands.initial, shape.out_type), bias = Stored(operands.bias, FK_FP32)
  let size = fk_contraction_workspace(contraction)
  #expect(size % 64 == 0)
  let guardBytes = 64
  let workspace =
    size == 0 ? nil : UnsafeMutableRawPointer.allocate(byteCount: size + guardBytes, alignment: 64)
  workspace?.initializeMemory(as: UInt8.self, repeating: 0xFF, count: size + guardBytes)
  defer {
    for array in [a, b, out, bias] { array.bytes.deallocate() }
    workspace?.deallocate()
  }
  guard
    let left = a.bytes.baseAddress, let right = b.bytes.baseAddress,
    let result = out.bytes.baseAddress
  else { return [] }
  let prepared = UnsafeMutableRawPointer.allocate(
    byteCount: fk_contraction_prepared(contraction) + guardBytes, alignment: 64)
  prepared.initializeMemory(
    as: UInt8.self, repeating: 0xFF, count: fk_contraction_prepared(contraction) + guardBytes)
  defer { prepared.deallocate() }
  let addend = operands.bias.isEmpty ? nil : bias.bytes.bindMemory(to: Float.self).baseAddress
  fk_contraction_bind(contraction, left, right, result, addend, prepared, workspace)
  var names = [UnsafePointer<CChar>](
    repeating: fk_contraction_implementation(contraction), count: 8)
  let none = fk_step(run: { _, _, _ in }, arguments: left, pieces: 0)
  var steps = [fk_step](repeating: none, count: 8)
  let count = fk_contraction_steps(contraction, &steps, &names)
  #expect((1...8).contains(count))
  var preparation = none
  if fk_contraction_preparation(contraction, &preparation) > 0 { fk_run(pool, &preparation, 1) }
  for _ in 0..<times {
    out.store(operands.initial)
    fk_run(pool, steps, count)
  }
  if let workspace {
    let tail = UnsafeRawBufferPointer(start: workspace + size, count: guardBytes)
    #expect(tail.allSatisfy { $0 == 0xFF }, "it wrote past its workspace")
  }
  let tail = UnsafeRawBufferPointer(
    start: prepared + fk_contraction_prepared(contraction), count: guardBytes)
  #expect(tail.allSatisfy { $0 == 0xFF }, "it wrote past what it prepared")
  return out.values
}

private func shapes() -> [Problem] {
  var list: [Problem] = []
  for (transposedLeft, transposedRight) in [
    (false, false), (true, false), (false, true), (true, true),
  ] {
    for (batch, m, k, n) in [
      (1, 3, 5, 7), (1, 128, 130, 96), (1, 70, 200, 300), (1, 8, 300, 500), (1, 1, 128, 256),
      (1, 256, 128, 1),
      (1, 128, 1, 65), (1, 1, 1, 1), (1, 256, 2, 128), (1, 256, 128, 2), (1, 1024, 700, 1),
      (1, 100, 512, 330), (1, 80, 2100, 70), (1, 2050, 40, 33),
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
  // Nearest up-sampling and a 3x3 filter become four 2x2 filters, each padded on one side of each axis.
  for near in [(0, 0), (0, 1), (1, 0), (1, 1)] {
    let far = (1 - near.0, 1 - near.1)
    for (size, channels, outChannels) in [(7, 32, 48), (14, 16, 16), (5, 3, 1)] {
      list += Problem.convolutions(
        images: 5, size, size + 1, channels, filter: (2, 2), to: outChannels, near: near, far: far)
    }
  }
  list += Problem.convolutions(
    images: 5, 9, 8, 20, filter: (2, 3), to: 18, near: (1, 0), far: (0, 2))
  list += Problem.convolutions(
    images: 5, 9, 8, 20, filter: (3, 2), to: 18, stride: 2, near: (2, 0), far: (1, 1))
  return list
}

private func problems() -> [Problem] {
  shapes().enumerated().flatMap { i, shape in
    var list = [shape]
    if shape.shape.kind != FK_CONV_FILTER { list.append(shape.adding(1 + i % 3)) }
    if fk_has_bf16() != 0 {
      // The storage types of training, and every other mixture in turn.
      let usual = shape.shape.kind == FK_CONV_FILTER ? 0b011 : 0b101
      list.append(shape.inBF16(stored: usual))
      list.append(shape.inBF16(stored: i / 3 % 8).adding(1 + i % 3))
    }
    return list
  }
}

@Suite(.serialized) struct ContractionTests {
  @Test(arguments: problems())
  fileprivate func agreesWithNaiveSumsAtAnyThreadCount(_ problem: Problem) throws {
    let seed: UInt64 = 20_240
    let operands = Operands(problem, seed: seed)
    let counts = problem.counts
    var sums = [Double](repeating: 0, count: counts.out)
    var lengths = [Int](repeating: 0, count: counts.out)
    for o in sums.indices {
      if !operands.bias.isEmpty { sums[o] += Double(operands.bias[o % problem.columns]) }
      if problem.shape.accumulates != 0 { sums[o] += Double(operands.initial[o]) }
    }
    var magnitudes = [Double](repeating: 0, count: counts.out)
    for o in sums.indices where !operands.bias.isEmpty || problem.shape.accumulates != 0 {
      let bias = operands.bias.isEmpty ? 0 : abs(Double(operands.bias[o % problem.columns]))
      magnitudes[o] = bias + (problem.shape.accumulates != 0 ? abs(Double(operands.initial[o])) : 0)
    }
    problem.forEachProduct { l, r, o in
      let product = Double(operands.left[l]) * Double(operands.right[r])
      sums[o] += product
      magnitudes[o] += abs(product)
      lengths[o] += 1
    }
    let single = try run(problem, operands, threads: 1, times: 1)
    for o in sums.indices {
      // Each of the sum's roundings (of products too, which are exact where the operands have eight bits) is at most
      // half a unit, 2^-24, of a partial sum that the magnitudes bound; bias and old value are two terms more. A result
      // of eight bits is then rounded by at most half a unit of its own, 2^-8.
      let sumError = Double(lengths[o] + 4) * 0x1p-24 * magnitudes[o]
      let bound =
        sumError + (problem.shape.out_type == FK_BF16 ? 0x1p-8 * (abs(sums[o]) + sumError) : 0)
      guard abs(Double(single[o]) - sums[o]) <= bound else {
        Issue.record(
          "\(problem.testDescription), seed \(seed): element \(o) is \(single[o]) instead of \(sums[o]), bound \(bound)"
        )
        return
      }
    }
    for times in [1, 3] {
      let double = try run(problem, operands, threads: 2, times: times)
      let same = zip(single, double).allSatisfy { $0.bitPattern == $1.bitPattern }
      #expect(
        same,
        "\(problem.testDescription), seed \(seed): other bytes at two threads after \(times) runs")
    }
  }

  /// Operands stored in fp32 are rounded to the nearest bf16 and no other.
  @Test(.enabled(if: fk_has_bf16() != 0))
  func roundsOperandsBeforeItMultiplies() throws {
    let convolutions = Problem.convolutions(
      images: 4, 9, 9, 17, filter: 3, to: 33, padding: 1)
    let matrices = [
      Problem.matmul(1, 70, 130, 50), .matmul(3, 20, 33, 40, transposedRight: true),
      .matmul(1, 40, 300, 50, transposedLeft: true),
    ]
    for shape in convolutions + matrices {
      let seed: UInt64 = 7
      let problem = shape.inBF16(stored: 0)
      var operands = Operands(problem, seed: seed)
      var generator = SplitMix64(state: seed + 1)
      // The lower half of the word is drawn, and every eighth element lies half way between two of bf16.
      func unrounded(_ values: [Float]) -> [Float] {
        values.enumerated().map { i, value in
          let low = i % 8 == 0 ? 0x8000 : generator.next() & 0xFFFF
          return Float(bitPattern: value.bitPattern | UInt32(low))
        }
      }
      operands.left = unrounded(operands.left)
      operands.right = unrounded(operands.right)
      let result = try run(problem, operands, threads: 1, times: 1)
      operands.left = operands.left.map(roundedToBF16)
      operands.right = operands.right.map(roundedToBF16)
      let expected = try run(problem, operands, threads: 1, times: 1)
      #expect(result == expected, "\(problem.testDescription), seed \(seed)")
    }
  }

  @Test func refusesWithAMessage() {
    var message = [CChar](repeating: 0, count: 256)
    var shape = Problem.matmul(1, 0, 3, 3).shape
    #expect(fk_contraction_create(&shape, 1, &message) == nil)
    #expect(message[0] != 0)
    shape = Problem.matmul(1, 3, 3, 3).shape
    shape.left_type = FK_BF16
    #expect(fk_contraction_create(&shape, 1, &message) == nil)
    shape = Problem.convolutions(images: 1, 5, 5, 3, filter: 3, to: 2, padding: 1)[2].shape
    shape.accumulates = 1
    #expect(fk_contraction_create(&shape, 1, &message) == nil)
  }

  @Test func countsTwoOperationsPerMultiplyAdd() throws {
    var message = [CChar](repeating: 0, count: 256)
    var shape = Problem.matmul(2, 3, 5, 7).shape
    let contraction = try #require(fk_contraction_create(&shape, 1, &message))
    #expect(fk_contraction_flops(contraction) == 420)
    fk_contraction_destroy(contraction)
  }
}
