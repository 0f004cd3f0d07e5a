import TensorCore
import TestSupport

/// A random program: outputs, updates, and contents for its inputs and variables.
struct RandomGraph {
  private(set) var outputs: [Tensor] = []
  private(set) var updates: [Update] = []
  private(set) var inputs: [(tensor: Tensor, values: [Double])] = []
  private(set) var variables: [Variable] = []

  private var numbers: SplitMix64
  private var pool: [Tensor] = []
  /// Values that both precisions hold exactly, so that comparisons agree.
  private var exact: [Tensor] = []
  private var next = 0
  private let differentiated: Bool
  private let limit: Int

  init(seed: Int) {
    numbers = SplitMix64(seed: seed)
    differentiated = numbers.chance(50)
    let large = numbers.chance(10)
    limit = large ? 50_000 : 4_000
    let shapes = [
      [4, 9, 2, 3], [2, 16, 4, 8], [3, 5], [6], [2, 6, 6, 3], [3, 4, 5], [1, 7, 1, 4], [16, 16],
    ]
    let wide = [[8, 64, 4, 16], [32, 1040], [3, 100, 8, 16], [40_000]]
    add(input(numbers.pick(large ? wide : shapes), exact: true))
    add(input(numbers.pick(shapes), exact: true))
    for _ in 0..<5 + Int(numbers.next() % 20) { grow() }
    finish()
  }

  private mutating func add(_ x: Tensor) {
    if x.count <= limit, x.rank <= 6 { pool.append(x) }
  }

  private mutating func input(_ shape: [Int], exact isExact: Bool = false) -> Tensor {
    next += 1
    let values = numbers.values(shape.product)
    if numbers.chance(40), !isExact {
      let variable = Variable("v\(next)", initially: .literal(values, shape))
      variables.append(variable)
      return variable.value
    }
    let x = Tensor.input("x\(next)", shape)
    inputs.append((x, values))
    exact.append(x)
    return x
  }

  /// An operand for `x`: something of the pool that fits, or a new array of length one along some
  /// axes.
  private mutating func companion(of x: Tensor) -> Tensor {
    let fits = pool.filter { broadcastShape($0.shape, x.shape) != nil }
    if !fits.isEmpty, numbers.chance(60) { return numbers.pick(fits) }
    var shape = x.shape.map { numbers.chance(40) ? 1 : $0 }
    if numbers.chance(30) {
      shape = Array(shape.dropFirst(Int(numbers.next() % UInt64(shape.count + 1))))
    }
    return input(shape)
  }

  private mutating func axes(of x: Tensor) -> [Int] {
    let chosen = (0..<x.rank).filter { _ in numbers.chance(45) }
    return chosen.isEmpty && x.rank > 0 ? [Int(numbers.next() % UInt64(x.rank))] : chosen
  }

  private mutating func grow() {
    // The latest values are used most, so that graphs are deep.
    let x = numbers.chance(60) ? pool[pool.count - 1] : numbers.pick(pool)
    let rank = x.rank
    switch Int(numbers.next() % 24) {
    case 0...3: add(elementwise(x))
    case 4...8:
      let y = companion(of: x)
      switch numbers.next() % 4 {
      case 0: add(x + y)
      case 1: add(x - y)
      case 2: add(tanh(x * y))
      default: add(x / (1 + y.squared()))
      }
    case 9, 10:
      let axes = axes(of: x)
      guard !axes.isEmpty else { return }
      let keep = numbers.chance(60)
      add(numbers.chance(50) ? x.mean(over: axes, keep: keep) : tanh(x.sum(over: axes, keep: keep)))
      if !differentiated, numbers.chance(30), axes.count == 1 {
        add(x.maximum(axes[0], keep: keep))
      }
    case 11:
      guard rank > 0 else { return }
      add(softmax(x, axis: Int(numbers.next() % UInt64(rank))))
    case 12:  // A group norm.
      guard rank == 4 else { return add(x.reshape([-1])) }
      let y = x - x.mean(1, 3, keep: true)
      let scale = input([x.shape[2], x.shape[3]])
      add(y / sqrt(y.squared().mean(1, 3, keep: true) + 0.1) * scale + input([x.shape[3]]))
    case 13, 14:
      guard rank >= 2 else { return }
      let width = 1 + Int(numbers.next() % 9)
      if rank == 2 || numbers.chance(60) {
        let weight = input([x.shape[rank - 1], width])
        let y = x.reshape([-1, x.shape[rank - 1]]).matmul(weight) / Double(x.shape[rank - 1])
        add(y.reshape(Array(x.shape.dropLast()) + [width]))
      } else {
        guard x.shape[rank - 2] <= 40 else { return }
        add(softmax(x.matmul(x, transposedRight: true)).matmul(x))
      }
    case 15:
      guard rank == 4, x.shape[1] > 1, x.shape[2] > 1 else { return }
      let filter = input([2, 2, x.shape[3], 1 + Int(numbers.next() % 5)])
      let stride = 1 + Int(numbers.next() % 2)
      let (top, left) = (Int(numbers.next() % 2), Int(numbers.next() % 2))
      let far = Int(numbers.next() % 2)
      let size = [(1, top), (2, left)].map { (x.shape[$0] + $1 + far - 2) / stride + 1 }
      let y = Tensor(
        .convolution(Convolution(stride: stride, top: top, left: left)), [x, filter],
        [x.shape[0]] + size + [filter.shape[3]])
      add(y / Double(4 * x.shape[3]))
    case 16:
      guard rank >= 1 else { return }
      add(x.transpose((0..<rank).shuffled(using: &numbers)))
    case 17:
      guard rank >= 1 else { return }
      let axis = Int(numbers.next() % UInt64(rank))
      let from = Int(numbers.next() % UInt64(x.shape[axis]))
      add(x.slice(axis: axis, from: from, count: 1 + (x.shape[axis] - from - 1) / 2))
    case 18:
      guard rank >= 1, rank <= 4 else { return }
      let (before, after) = (
        x.shape.map { _ in numbers.chance(40) ? 1 : 0 },
        x.shape.map { _ in numbers.chance(40) ? 2 : 0 }
      )
      add(x.pad(before: before, after: after))
    case 19:
      guard rank >= 1 else { return }
      let axis = Int(numbers.next() % UInt64(rank))
      let y = elementwise(x)
      let parts = [x, y.shape == x.shape ? y : -x, 0.5 * x]
      if numbers.chance(30) {  // Interleaved.
        let shape = x.shape[...axis] + [1] + x.shape[(axis + 1)...]
        var (start, whole) = (shape.map { _ in 0 }, Array(shape))
        (start[axis + 1], whole[axis + 1]) = (1, 2)
        let blocks = Primitive.blocks([start, start.map { _ in 0 }])
        add(Tensor(blocks, parts.prefix(2).map { $0.reshape(Array(shape)) }, whole))
      } else {
        add(concatenate(parts.suffix(numbers.chance(50) ? 2 : 3), axis: axis))
      }
    case 20:
      if let axis = x.shape.firstIndex(where: { $0 % 2 == 0 }) {
        add(x.reshape(Array(x.shape[..<axis]) + [2, x.shape[axis] / 2] + x.shape[(axis + 1)...]))
      } else {
        add(x.reshape([-1]))
      }
    case 21:
      guard rank >= 1, x.shape[0] > 1 else { return }
      next += 1
      let rows = Tensor.input("rows\(next)", [5])
      let top = UInt64(x.shape[0])
      inputs.append((rows, (0..<5).map { _ in Double(numbers.next() % top) }))
      add(numbers.chance(50) ? x.gather(rows) : Tensor(.scatter, [x.gather(rows), rows], x.shape))
    case 22:
      add(x + (numbers.chance(50) ? .normal(x.shape, "noise") : .uniform(x.shape, "noise")))
    default:
      add(broadcast(x))
    }
  }

  private mutating func broadcast(_ x: Tensor) -> Tensor {
    let shape = x.shape.map { $0 == 1 ? 3 : $0 }
    return x.broadcast(to: numbers.chance(50) ? shape : [2] + shape)
  }

  private mutating func elementwise(_ x: Tensor) -> Tensor {
    switch Int(numbers.next() % 16) {
    case 0: return tanh(x)
    case 1: return sin(3 * x)
    case 2: return cos(x)
    case 3: return erf(x)
    case 4: return exp(tanh(x))
    case 5: return log(1 + x.squared())
    case 6: return sqrt(1 + x.squared())
    case 7: return reciprocal(1 + x.squared())
    case 8: return silu(x)
    case 9: return expm1(-x.squared())
    case 10: return log1p(x.squared())
    case 11: return 2.5 - x / 3
    default:
      if differentiated { return sigmoid(x) }
      let y = numbers.pick(exact)
      switch numbers.next() % 5 {
      case 0: return relu(x)
      case 1: return abs(x) - leakyReLU(x)
      case 2: return softplus(x)
      case 3: return select(y < Tensor(0.1), sign(y), floor(4 * y))
      default: return minimum(x, 0.3)
      }
    }
  }

  private mutating func finish() {
    outputs = (0..<1 + Int(numbers.next() % 3)).map { _ in numbers.pick(pool) }
    if numbers.chance(20) { outputs.append(outputs[0].reshape([-1])) }
    outputs.append(pool[pool.count - 1])
    if numbers.chance(15), let variable = variables.first { outputs.append(variable.value) }
    var slopes: [Tensor] = []
    if differentiated, !variables.isEmpty {
      let loss = outputs.map { $0.squared().mean() }.reduce(Tensor(0), +)
      slopes = gradients(of: loss, withRespectTo: variables.map(\.value))
      outputs.append(loss)
    }
    var free = variables
    while let variable = free.popLast() {
      if let i = free.firstIndex(where: { $0.shape == variable.shape }), numbers.chance(50) {
        let other = free.remove(at: i)
        updates += [Update(variable, other.value), Update(other, variable.value)]
        continue
      }
      let position = variables.firstIndex(of: variable) ?? 0
      let old = variable.value
      switch numbers.next() % 4 {
      case 0: break
      case 1:
        let fits = pool.filter { broadcastShape($0.shape, old.shape) == old.shape }
        updates.append(
          Update(variable, fits.isEmpty ? tanh(old) : 0.9 * old + 0.1 * numbers.pick(fits)))
      default:
        updates.append(Update(variable, slopes.isEmpty ? 0.5 * old : old - 0.1 * slopes[position]))
      }
    }
  }
}
