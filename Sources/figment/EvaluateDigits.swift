import ArgumentParser
import Evaluation
import Experiments
import Logging
import Sampling
import Support
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
      if case .diverged(let reason) = end {
        throw FigmentError("the training of the classifier has diverged: \(reason)")
      }
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
        let file = sheet(of: subject, latent, log)
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
        if let file {
          let sheet = try evaluation.neighbours(samples, of: run, command: typedCommand())
          do { try file.write(sheet) } catch let error as FigmentError where error.code != nil {
            // The figures are worth more than the sheet.
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

  /// Where the sheet of a run goes, tried before the work; a folder that cannot be written costs the sheet
  /// alone.
  private func sheet(of subject: Subject, _ latent: LatentDraw, _ log: Logger) -> OutputFile? {
    do {
      return try OutputFile(subject.paths.neighbours("\(latent)"))
    } catch {
      log.warning("\(error)")
      return nil
    }
  }

  private func printTable(_ judged: DigitTable) {
    for line in judged.setting.title { print(line) }
    let numbers = Set(1...8)
    for line in table(judged.cells, rightAligned: numbers) { print(line) }
    let shares = judged.shares
    print("")
    for line in table(shares, rightAligned: Set(1..<(shares.first?.count ?? 1))) { print(line) }
    // That of ten equal classes.
    let error = (0.09 / Double(judged.setting.count)).squareRoot()
    print("a share of 10 % has a standard error of \(percent(error))")
  }
}

extension LatentDraw {
  /// As `init`, with errors of usage.
  init(argument: String) throws {
    do { self = try LatentDraw(argument) } catch { throw ValidationError("\(error)") }
  }
}
