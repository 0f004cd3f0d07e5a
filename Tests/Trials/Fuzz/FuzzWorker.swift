import ArgumentParser
import Foundation
import Support
import TestSupport
import Training
import TrialsSupport

/// Worker process of `fuzz`, which may crash: reads a range of the files.
struct FuzzWorker: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Read damaged files one after the other.", shouldDisplay: false)

  @Argument var reader: String
  @Argument var seed: UInt64
  @Argument var first: Int
  @Argument var count: Int
  @Argument var folder: String

  func run() throws {
    guard let reader = Reader.all.first(where: { $0.name == reader }) else {
      throw ValidationError("no reader \(reader)")
    }
    let path = folder + "/" + reader.file
    let note = try OpenFile(folder + "/trial", flags: O_RDWR | O_CREAT)
    let messages = try reader.seeds()
    var outcome = Outcome()
    for trial in first..<first + count {
      // Tells the parent the current file in case this process dies.
      let text = Array("\(trial)\n".utf8)
      _ = text.withUnsafeBytes { pwrite(note.descriptor, $0.baseAddress, $0.count, 0) }
      alarm(10)
      var generator = SplitMix64(state: seed &* 0x1_0000_0001 &+ UInt64(trial))
      let bytes = reader.mutate(messages[trial % messages.count], &generator)
      if reader.isOfFiles { try put(bytes, at: path) }
      ts_forget_allocations()
      let start = ContinuousClock.now
      do {
        try reader.read(bytes, path)
        outcome.read += 1
        try check(reader, bytes, start, &outcome, trial)
      } catch let error as TrialError {
        throw error
      } catch {
        try check(reader, bytes, start, &outcome, trial)
        let line = "\(error)"
        guard !line.contains(where: \.isNewline), (1...600).contains(line.utf8.count) else {
          throw TrialError(
            "file \(trial) is refused by \(line.utf8.count) bytes: \(line.prefix(400))")
        }
        outcome.messages.insert(Refusals.withoutFigures(line.replacing(path, with: "FILE")))
      }
    }
    for line in outcome.lines { print(line) }
  }

  private func check(
    _ reader: Reader, _ bytes: [UInt8], _ start: ContinuousClock.Instant, _ outcome: inout Outcome,
    _ trial: Int
  ) throws {
    let largest = ts_largest_allocation()
    let time = Int((ContinuousClock.now - start) / .microseconds(1))
    let limit = reader.memory(bytes.count)
    guard largest <= limit else {
      throw TrialError(
        "file \(trial) of \(bytes.count) bytes made \(reader.name) ask for \(largest) bytes at once; "
          + "expected at most \(limit)")
    }
    outcome.largest = max(outcome.largest, largest)
    outcome.slowest = max(outcome.slowest, time)
  }

  private func put(_ bytes: [UInt8], at path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    defer { close(descriptor) }
    guard descriptor >= 0,
      bytes.withUnsafeBytes({ write(descriptor, $0.baseAddress, $0.count) }) == bytes.count
    else { throw TrialError("cannot write \(path)") }
  }
}
