import CKernels
import TestSupport
import Testing

/// State of a piece of the stress test: its own tally, and the number of pieces of the previous step that ran.
private struct Tally {
  var counts: UnsafeMutablePointer<Int32>
  var previous: UnsafePointer<Int32>?
  var previousPieces: Int32
  var disorder: UnsafeMutablePointer<Int32>
}

private func countPiece(_ arguments: UnsafeRawPointer, _ piece: Int32, _ worker: Int32) {
  let tally = arguments.load(as: Tally.self)
  tally.counts[Int(piece)] += 1
  guard let previous = tally.previous else { return }
  for i in 0..<Int(tally.previousPieces) where previous[i] != 1 { tally.disorder[Int(piece)] += 1 }
}

private func storeDenormalProduct(_ arguments: UnsafeRawPointer, _ piece: Int32, _ worker: Int32) {
  let values = UnsafeMutableRawPointer(mutating: arguments).assumingMemoryBound(to: Float.self)
  // Long enough that no worker can take all pieces.
  var product = values[64]
  for _ in 0..<20_000 { product = values[64] * values[65] + product * values[66] }
  values[Int(piece)] = product
}

@Suite(.serialized) struct PoolTests {
  @Test(arguments: [1, 2, 3, 5])
  func everyPieceRunsOnceAndStepsAreOrdered(threads: Int32) throws {
    let seed: UInt64 = 1
    var generator = SplitMix64(state: seed)
    let pool = try #require(fk_pool_create(threads))
    defer { fk_pool_destroy(pool) }
    #expect(fk_pool_threads(pool) == threads)
    let runs = threads == 2 ? 1_000 : 20, stepsPerRun = 100, most = 24
    let counts = UnsafeMutablePointer<Int32>.allocate(capacity: stepsPerRun * most)
    let disorder = UnsafeMutablePointer<Int32>.allocate(capacity: most)
    let tallies = UnsafeMutablePointer<Tally>.allocate(capacity: stepsPerRun)
    defer {
      counts.deallocate()
      disorder.deallocate()
      tallies.deallocate()
    }
    disorder.initialize(repeating: 0, count: most)
    for run in 0..<runs {
      counts.initialize(repeating: 0, count: stepsPerRun * most)
      var steps: [fk_step] = []
      for step in 0..<stepsPerRun {
        let pieces = Int32.random(in: 1...Int32(most), using: &generator)
        let previous = step == 0 ? nil : UnsafePointer(counts + (step - 1) * most)
        tallies[step] = Tally(
          counts: counts + step * most, previous: previous, previousPieces: steps.last?.pieces ?? 0,
          disorder: disorder)
        steps.append(fk_step(run: countPiece, arguments: tallies + step, pieces: pieces))
      }
      fk_run(pool, steps, Int32(stepsPerRun))
      for (step, pieces) in steps.map(\.pieces).enumerated() {
        for piece in 0..<most where counts[step * most + piece] != (piece < pieces ? 1 : 0) {
          Issue.record(
            "seed \(seed), run \(run): piece \(piece) of step \(step) ran \(counts[step * most + piece]) times"
          )
          return
        }
      }
    }
    #expect(
      (0..<most).allSatisfy { disorder[$0] == 0 },
      "seed \(seed): a step began before the previous one ended")
  }

  @Test(arguments: [[1], [4, 1, 9, 2], [3, 0, 0, 5, 0], [0, 7]])
  func groupsRunEachPieceOfEachStep(_ pieces: [Int32]) throws {
    let pool = try #require(fk_pool_create(2))
    defer { fk_pool_destroy(pool) }
    let most = 16
    var counts = [Int32](repeating: 0, count: pieces.count * most)
    var disorder: Int32 = 0
    counts.withUnsafeMutableBufferPointer { counts in
      guard let base = counts.baseAddress else { return }
      withUnsafeMutablePointer(to: &disorder) { disorder in
        let tallies = pieces.indices.map {
          Tally(counts: base + $0 * most, previous: nil, previousPieces: 0, disorder: disorder)
        }
        let first = pieces.reduce(into: [Int32(0)]) { $0.append($0[$0.count - 1] + $1) }
        tallies.withUnsafeBufferPointer { tallies in
          guard let tally = tallies.baseAddress else { return }
          let steps = pieces.indices.map {
            fk_step(run: countPiece, arguments: tally + $0, pieces: pieces[$0])
          }
          steps.withUnsafeBufferPointer { steps in
            first.withUnsafeBufferPointer { first in
              guard let steps = steps.baseAddress, let first = first.baseAddress else { return }
              var group = fk_group(count: Int32(pieces.count), steps: steps, first: first)
              withUnsafePointer(to: &group) {
                fk_run(
                  pool, [fk_step(run: fk_run_group, arguments: $0, pieces: first[pieces.count])], 1)
              }
            }
          }
        }
      }
    }
    for (step, pieces) in pieces.enumerated() {
      for piece in 0..<most {
        #expect(counts[step * most + piece] == (piece < pieces ? 1 : 0), "\(step), \(piece)")
      }
    }
  }

  @Test func profileAddsTheTimeOfEachStep() throws {
    let pool = try #require(fk_pool_create(2))
    defer { fk_pool_destroy(pool) }
    var values = [Float](repeating: 1, count: 67)
    values[66] = 0.5
    values.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      let steps = [Int32(4), 1, 9].map {
        fk_step(run: storeDenormalProduct, arguments: base, pieces: $0)
      }
      var nanoseconds = [Int64](repeating: 7, count: 3)
      fk_run_profiled(pool, steps, 3, &nanoseconds)
      #expect(nanoseconds.allSatisfy { $0 > 7 })
    }
  }

  @Test func denormalsAreFlushedOnEveryWorkerAndTheCallerKeepsItsMode() throws {
    let pool = try #require(fk_pool_create(2))
    defer { fk_pool_destroy(pool) }
    var values = [Float](repeating: -1, count: 67)
    values[64] = 1e-30
    values[65] = 1e-10
    values[66] = 0
    values.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      let step = [fk_step(run: storeDenormalProduct, arguments: base, pieces: 64)]
      fk_run(pool, step, 1)
    }
    #expect(values[..<64].allSatisfy { $0 == 0 })
    #expect(values[64] * values[65] != 0)
  }

  @Test func noThreadIsNoPool() { #expect(fk_pool_create(0) == nil) }
}
