/// What contractions add on the way: biases, and other contractions' results.
struct Absorption {
  /// By the position of the last addition that it does.
  private(set) var contractions: [Int: Contraction] = [:]
  /// Values that exist only inside a contraction.
  private(set) var inner: Set<Int> = []

  /// Nothing.
  init() {}

  /// Finds additions to a contraction's result, which nobody else reads, of a bias along the last
  /// axis or of another contraction's result, which nobody else reads either.
  init(_ listing: Listing) {
    let kept = Set(listing.roots.map { listing.home($0) })
    var readers = [Int](repeating: 0, count: listing.instructions.count)
    for i in listing.instructions.indices where listing.home(i) == i {
      for operand in Set(listing.instructions[i].inputs.map { listing.home($0) }) {
        readers[operand] += 1
      }
    }
    /// The contraction whose result is `home`, if the addition may be its last.
    func open(_ home: Int) -> Contraction? {
      guard readers[home] == 1, !kept.contains(home) else { return nil }
      switch listing.instructions[home].operation {
      case .matmul, .convolution, .convolutionInput:
        return Contraction(position: home, result: home)
      default: return contractions[home]
      }
    }
    for i in listing.instructions.indices
    where listing.instructions[i].operation == .binary(.add) {
      let terms = listing.instructions[i].inputs
      let homes = terms.map { listing.home($0) }
      guard homes[0] != homes[1] else { continue }
      for (term, other) in [(0, 1), (1, 0)] {
        guard var sum = open(homes[term]), sum.addend == nil else { continue }
        let width = listing.instructions[sum.position].shape.last ?? 1
        if sum.bias == nil, let bias = listing.bias(terms[other], width: width) {
          sum.bias = bias
        } else if !kept.contains(i), homes[other] < homes[term], open(homes[other]) != nil {
          sum.addend = homes[other]
        } else {
          continue
        }
        sum.result = i
        contractions[homes[term]] = nil
        inner.insert(homes[term])
        contractions[i] = sum
        break
      }
    }
  }
}

extension Listing {
  /// The array of `width` numbers that `position` repeats along its last axis.
  fileprivate func bias(_ position: Int, width: Int) -> Int? {
    guard instructions[position].operation == .broadcast else { return nil }
    let source = home(instructions[position].inputs[0])
    let axes = viewAxes(position)
    guard instructions[source].count == width else { return nil }
    if width == 1 { return axes.allSatisfy { $0.stride == 0 } ? source : nil }
    guard let last = axes.last, last == (width, 1), axes.dropLast().allSatisfy({ $0.stride == 0 })
    else { return nil }
    return source
  }
}
