import ArgumentParser
import Evaluation
import Experiments
import Logging
import Sampling
import Support
import Training

extension Evaluate {
  /// Evaluates runs on digits and returns the rows as JSON; prints tables unless --json is given.
  func digits(_ subjects: [Subject], _ console: Console) throws -> [String] {
    let log = reporting.log(console)
    Interruption.install()
    func checkInterruption() throws {
      if let signal = Interruption.received { throw ExitCode(signal.exitCode) }
    }
    let judge =
      try classifier.map { try Run(folder: $0, threads: computing.threads) }
      ?? Run.digitClassifier(threads: computing.threads)
    let evaluation = try DigitEvaluation(
      judge, count: count ?? 2000, dataDirectory: dataFolder.path, threads: computing.threads)
    let seeds = (0..<evaluation.setting.count).map { UInt64($0) }
    var rows = try evaluation.baselines()
    for subject in subjects {
      for latent in draws(of: subject, log) {
        let (run, sampler) = (subject.run, subject.sampler)
        let file = sheet(of: subject, latent, log)
        var progress = Progress(
          total: run.samplingSteps(count: seeds.count, sampler?.request ?? SampleRequest()),
          unit: "sampling steps",
          style: reporting.style, console: console)
        let samples = try run.sample(
          seeds: seeds, latent: latent, sampler?.request ?? SampleRequest()
        ) { done, _ in
          try checkInterruption()
          progress.update(done)
        }
        progress.finish()
        rows.append(
          try evaluation.evaluate(
            samples, of: run, name: subject.name, latent: latent, sampler: sampler))
        if let file {
          let sheet = try evaluation.neighbours(samples, of: run, command: typedCommand())
          do { try file.write(sheet) } catch let error as FigmentError where error.code != nil {
            // An unwritable sample grid must not lose the metrics.
            log.warning("\(error)")
          }
        }
      }
    }
    if !json {
      for table in DigitTable.tables(rows) { printTable(table) }
    }
    return rows.map(\.json.description)
  }

  /// Output file for the sample grid of a run, opened before the work starts; if its folder is not
  /// writable, only the sample grid is lost.
  private func sheet(of subject: Subject, _ latent: LatentDraw, _ log: Logger) -> OutputFile? {
    do {
      return try OutputFile(subject.paths.neighbours("\(latent)"))
    } catch {
      log.warning("\(error)")
      return nil
    }
  }

  private func printTable(_ evaluated: DigitTable) {
    for line in evaluated.setting.title { print(line) }
    let numbers = Set(1..<(evaluated.cells.first?.count ?? 1))
    for line in table(evaluated.cells, rightAligned: numbers) { print(line) }
    let shares = evaluated.shares
    print("")
    for line in table(shares, rightAligned: Set(1..<(shares.first?.count ?? 1))) { print(line) }
    // Standard error for ten equally likely classes.
    let error = (0.09 / Double(evaluated.setting.count)).squareRoot()
    for line in evaluated.rows.compactMap(\.askedLine) { print(line) }
    print("a class fraction of 10 % has a standard error of \(percent(error))")
  }
}

extension LatentDraw {
  /// Same as `init`, throwing usage errors.
  init(argument: String) throws {
    do { self = try LatentDraw(argument) } catch { throw ValidationError("\(error)") }
  }
}
