import ArgumentParser
import Training

extension Evaluate {
  /// Judges runs on digits; the rows as JSON, and tables unless that is asked for.
  func digits(_ subjects: [Subject], _ console: Console) throws -> [String] {
    let log = reporting.log(console)
    Interruption.install()
    func checkInterruption() throws {
      if let signal = Interruption.received { throw ExitCode(signal.exitCode) }
    }
    if classifier == nil {
      let end = try DigitClassifier.train(
        dataDirectory: dataFolder.path, threads: computing.threads, log: log,
        progress: reporting.style, console: console)
      guard end == .finished else { throw ExitCode(Interruption.received?.exitCode ?? 1) }
    }
    let folder = classifier ?? DigitClassifier.folder
    let judge = try Run(folder: folder, threads: computing.threads)
    let evaluation = try DigitEvaluation(
      judge, count: count ?? 2000, dataDirectory: dataFolder.path, threads: computing.threads)
    let seeds = (0..<evaluation.setting.count).map { UInt64($0) }
    var rows = try evaluation.baselines()
    for subject in subjects {
      for latent in draws(of: subject, log) {
        let run = subject.run
        var progress = Progress(
          total: run.samplingSteps(count: seeds.count), unit: "sampling steps",
          style: reporting.style, console: console)
        let samples = try run.sample(seeds: seeds, latent: latent) { done, _ in
          try checkInterruption()
          progress.update(done)
        }
        progress.finish()
        rows.append(
          try evaluation.judge(samples, of: run, name: subject.name, latent: latent))
        let sheet = try evaluation.neighbours(samples, of: run, command: typedCommand())
        let path = subject.paths.neighbours(latent)
        do { try writeAtomically(sheet, to: path) } catch let error as FileError {
          // The figures are worth more than the sheet.
          log.warning("\(error)")
        }
      }
    }
    if !json {
      for table in DigitTable.tables(rows) { print(table, folder) }
    }
    return rows.map(\.json.description)
  }

  private func print(_ judged: DigitTable, _ folder: String) {
    for line in judged.setting.title { Swift.print(line) }
    let numbers = Set(1...8)
    for line in table(judged.cells, rightAligned: numbers) { Swift.print(line) }
    let shares = judged.shares
    Swift.print("")
    for line in table(shares, rightAligned: Set(1..<(shares.first?.count ?? 1))) {
      Swift.print(line)
    }
    // That of ten equal classes.
    let error = (0.09 / Double(judged.setting.count)).squareRoot()
    Swift.print("a share of 10 % has a standard error of \(percent(error))")
  }
}

extension LatentDraw {
  /// As `init`, with errors of usage.
  init(argument: String) throws {
    do { self = try LatentDraw(argument) } catch { throw ValidationError("\(error)") }
  }
}
