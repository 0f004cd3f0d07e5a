import Foundation
import Images
import Testing

/// Events that a run survives, mistakes detected before anything is made, and paths that are
/// skipped.
@Suite struct RunCommandTests {
  let tool: Tool

  init() throws {
    tool = try Tool()
    try tool.write(tiny, to: "tiny.yaml")
  }

  private func names(_ folder: String = "") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: tool.path(folder)).sorted()
  }

  /// All files below a folder with their bytes.
  private func files(_ folder: String) -> [String: [UInt8]] {
    let found =
      FileManager.default.enumerator(atPath: tool.path(folder))?
      .compactMap { $0 as? String } ?? []
    return Dictionary(
      uniqueKeysWithValues: found.compactMap { name in
        tool.bytes(folder + "/" + name).map { (name, $0) }
      })
  }

  // MARK: Descriptors

  @Test(arguments: ["<&-", ">&-", "2>&-", "<&- >&-", ">&- 2>&-", "<&- >&- 2>&-"])
  func closedDescriptorsAreNotReused(_ closed: String) throws {
    #expect(try tool.run("train tiny.yaml --out whole --quiet").code == 0)
    let result = try tool.shell("exec \"$F\" train tiny.yaml --out run \(closed)")
    #expect(result.code == 0)
    for name in ["checkpoint.safetensors", "metrics.jsonl", "samples.png", "experiment.yaml"] {
      #expect(tool.bytes("run/" + name) == tool.bytes("whole/" + name), "\(name)")
    }
    let timings = try tool.text("run/timings.jsonl")
    #expect(timings.split(separator: "\n").allSatisfy { $0.hasPrefix("{\"step\":") })
  }

  @Test(arguments: [
    "--version", "--help", "train --help", "help sample", "data list", "info run",
    "compare run run --json", "compare run run", "evaluate run --count 100 --quiet",
    "evaluate run --count 100 --json --quiet",
    "likelihood run --examples 5 --samples 2 --json --quiet", "plan tiny.yaml",
    "train tiny.yaml --dry-run", "train tiny.yaml --out run --resume --quiet", "reproduce",
    "sample run --count 3 --quiet", "sample run --count 3 --npy a.npy --quiet", "field run",
    "data show moons --out moons.png", "--generate-completion-script bash",
  ]) func unwritableOutputIsAnError(_ line: String) throws {
    #expect(try tool.run("train tiny.yaml --out run --quiet").code == 0)
    let result = try tool.shell("\"$F\" \(line) >/dev/full")
    #expect(result.code == 1)
    #expect(
      result.errors == "error: standard output: cannot write: No space left on device\n",
      "\(result.errors)")
  }

  @Test func aClosedPipeEndsQuietly() throws {
    let result = try tool.shell("\"$F\" plan tiny.yaml | true; echo ${PIPESTATUS[0]}")
    #expect(result.errors.isEmpty)
    #expect(["0\n", "141\n"].contains(result.output), "\(result.output)")
    // Even if the parent ignores the signal; here the reader is certain to be gone.
    let ignored = try tool.shell(
      "trap '' PIPE; (sleep 1; exec \"$F\" data list) | true; echo ${PIPESTATUS[0]}")
    #expect(ignored.errors.isEmpty && ignored.output == "141\n", "\(ignored.output)")
  }

  /// Training continues after the reader of the progress has gone.
  @Test func trainingSurvivesALostReaderOfProgress() throws {
    let result = try tool.shell(
      "\"$F\" train tiny.yaml --out run 2>&1 >/dev/null | head -c 1 >/dev/null; echo ${PIPESTATUS[0]}"
    )
    #expect(result.output == "0\n")
    #expect(tool.exists("run/samples.png"))
  }

  @Test func ignoredHangUpsDoNotEndTheRun() throws {
    let long = "--threads 1 --set model.width=32 --steps 4000 --set report.samplesEvery=5000"
    let result = try tool.shell(
      """
      trap '' HUP
      "$F" train tiny.yaml --out run --quiet \(long) &
      until [ -s run/metrics.jsonl ]; do sleep 0.01; done
      kill -HUP $!
      wait $!
      echo $?
      """)
    #expect(result.output == "run/samples.png\n0\n", "\(result.errors)")
  }

  /// A closing terminal sends several hang-ups.
  @Test func repeatedHangUpsSaveTheRun() throws {
    let long = "--threads 1 --set model.width=32 --steps 400000 --set report.samplesEvery=1000000"
    let result = try tool.shell(
      """
      "$F" train tiny.yaml --out run --quiet \(long) &
      until [ -s run/metrics.jsonl ]; do sleep 0.01; done
      kill -HUP $!; kill -HUP $!; kill -HUP $!
      wait $!
      echo $?
      """)
    #expect(result.output == "129\n", "\(result.errors)")
    #expect(try tool.run("info run").code == 0)
  }

  // MARK: Foreign lines

  @Test(arguments: ["metrics.jsonl", "timings.jsonl"])
  func invalidLinesKeepTheCheckpointUsable(_ name: String) throws {
    #expect(try tool.run("train tiny.yaml --out whole --quiet").code == 0)
    #expect(try tool.run("train tiny.yaml --out run --quiet --stop-at 20").code == 0)
    let lines = try tool.text("run/" + name).split(separator: "\n")
    let bad = "steps 1/3\n\(lines[0])\r\n\u{0}\u{1B}[31m\n\n\(lines[1])\n{\"step\":1,"
    try tool.write(bad, to: "run/" + name)
    let compared = try tool.run("compare run whole --minutes --out c.png")
    #expect(compared.code == 0 && compared.output.contains("c.png"))
    let problem = "run/\(name): line 1: expected an object at byte 0, found \"s\"; 2 lines more"
    #expect(compared.errors == "warning: \(problem); skipped\n")
    let resumed = try tool.run("train tiny.yaml --out run --resume")
    #expect(resumed.code == 0)
    let torn = problem.replacing("2 lines", with: "3 lines")
    #expect(resumed.errors.contains("warning: \(torn); removed\n"), "\(resumed.errors)")
    #expect(tool.bytes("run/checkpoint.safetensors") == tool.bytes("whole/checkpoint.safetensors"))
    let again = try tool.run("train tiny.yaml --out run --resume")
    #expect(again.code == 0 && !again.errors.contains("warning"))
    #expect(try tool.run("compare run whole --out c.png").errors.isEmpty)
  }

  @Test func unreadableMetricsAreAWarning() throws {
    #expect(try tool.run("train tiny.yaml --out run --quiet").code == 0)
    unlink(tool.path("run/metrics.jsonl"))
    try tool.makeFolder("run/metrics.jsonl")
    let compared = try tool.run("compare run run --out c.png")
    #expect(compared.code == 0)
    #expect(
      compared.firstErrorLine
        == "warning: run/metrics.jsonl: cannot read: Is a directory; skipped")
  }

  // MARK: A number of minutes

  /// A run by --minutes is the run of the number of steps that it chose: every file is the same.
  @Test func aRunByMinutesIsARunByItsSteps() throws {
    let made = try tool.run("train tiny.yaml --minutes 0.1 --out timed")
    #expect(made.code == 0 && made.output == "timed/samples.png\n", "\(made.errors)")
    #expect(made.firstErrorLine.hasPrefix("about "), "\(made.errors)")
    #expect(made.firstErrorLine.hasSuffix("; saved in the run's experiment: steps"))
    let line = try tool.text("timed/experiment.yaml").split(separator: "\n")
      .first { $0.hasPrefix("steps: ") }
    let steps = try #require(line?.dropFirst("steps: ".count))
    #expect(made.firstErrorLine.filter { $0 != "," }.contains("(\(steps) steps of "))
    #expect(try tool.run("train tiny.yaml --steps \(steps) --out plain --quiet").code == 0)
    for name in [
      "experiment.yaml", "checkpoint.safetensors", "metrics.jsonl", "samples.png", "curves.png",
    ] {
      #expect(tool.bytes("timed/" + name) == tool.bytes("plain/" + name), "\(name)")
    }
    // The command that is named resumes it.
    let again = try tool.run("train tiny.yaml --minutes 0.1 --out timed --resume")
    let command = "figment train tiny.yaml --out timed --set steps=\(steps) --resume"
    #expect(again.code == 1 && again.errors.hasSuffix("resume it with: \(command)\n"))
    let resumed = try tool.run(String(command.dropFirst("figment ".count)))
    #expect(resumed.code == 0 && resumed.errors.contains("already finished"), "\(resumed.errors)")
  }

  /// Too few minutes for a sample grid make no folder; the number that the message names works.
  @Test func tooFewMinutesMakeNothing() throws {
    let before = try names()
    let refused = try tool.run("train tiny.yaml --minutes 0.00001 --resume")
    #expect(refused.code == 1 && refused.output.isEmpty)
    #expect(
      refused.errors.hasPrefix(
        "error: --minutes: 1e-05 is too short: here one sample grid takes "), "\(refused.errors)")
    #expect(try names() == before)
    let least = try #require(refused.errors.split(separator: " ").last).dropLast()
    #expect(try #require(Double(least)) > 0)
    let made = try tool.run("train tiny.yaml --minutes \(2 * (Double(least) ?? 1)) --quiet")
    #expect(made.code == 0, "\(made.errors)")
  }

  /// An interrupted run names the command that resumes it, to the same bytes.
  @Test func anInterruptedRunByMinutesNamesItsCommand() throws {
    let stopped = try tool.run("train tiny.yaml --minutes 0.1 --stop-at 7")
    #expect(stopped.code == 0)
    let marker = "resume with: figment "
    let range = try #require(stopped.errors.range(of: marker), "\(stopped.errors)")
    let command = stopped.errors[range.upperBound...].split(separator: "\n")[0]
      .replacing(" --stop-at 7", with: "")
    #expect(try tool.run(command + " --quiet").code == 0)
    #expect(
      try tool.run(command.replacing(" --resume", with: " --out whole") + " --quiet").code == 0)
    #expect(
      tool.bytes("outputs/tiny/checkpoint.safetensors")
        == tool.bytes("whole/checkpoint.safetensors"))
  }

  // MARK: Resuming

  @Test(arguments: ["--steps 40", "--set steps=40", "--steps 20", "--steps 40 --seed 3"])
  func resumingWithOtherStepsIsRefused(_ change: String) throws {
    #expect(try tool.run("train tiny.yaml --quiet").code == 0)
    let before = files("outputs")
    for out in ["", " --out outputs/tiny"] {
      let result = try tool.run("train tiny.yaml \(change) --resume\(out)")
      #expect(result.code == 1 && result.output.isEmpty)
      let wanted = change.contains("20") ? 20 : 40
      #expect(
        result.errors.hasPrefix(
          "error: outputs/tiny holds a run of 30 steps, and the command line asks for \(wanted)"),
        "\(result.errors)")
      #expect(result.errors.contains("--steps 30 --resume"))
      #expect(result.errors.contains("--stop-at"))
      #expect(result.errors.count { $0 == "\n" } == 1)
      #expect(files("outputs") == before)
    }
    // The command in the message works.
    #expect(try tool.run("train tiny.yaml --steps 30 --resume --quiet").code == 0)
    // Without --resume it is a new run, which the same command resumes with --resume.
    #expect(
      try tool.run("train tiny.yaml \(change) --quiet").output == "outputs/tiny-2/samples.png\n")
    #expect(
      try tool.run("train tiny.yaml \(change) --resume --quiet").output
        == "outputs/tiny-2/samples.png\n")
  }

  @Test func resumeWithoutARunStartsOne() throws {
    #expect(try tool.run("train tiny.yaml --steps 4 --resume --quiet").code == 0)
    // An edited file is another run, as always.
    try tool.write(tiny.replacing("steps: 30", with: "steps: 8"), to: "tiny.yaml")
    let result = try tool.run("train tiny.yaml --resume --quiet")
    #expect(result.code == 0 && result.output == "outputs/tiny-2/samples.png\n")
  }

  /// User points, [count, 2], and the message if they change between two halves of a run.
  private func points(_ count: Int, shift: Double = 0) -> String {
    (0..<count).map { "\(Double($0 * $0 % 11) / 7 + shift),\(Double($0 * 7 % 13) / 5)" }
      .joined(separator: "\n") + "\n"
  }

  @Test func changedDataAreReported() throws {
    try tool.write(points(100), to: "mine.csv")
    let line = "train tiny.yaml --set data=./mine.csv --out run"
    #expect(try tool.run(line + " --quiet --stop-at 10").code == 0)
    let same = try tool.run(line + " --resume --stop-at 12")
    #expect(same.code == 0 && !same.errors.contains("warning"), "\(same.errors)")
    try tool.write(points(100, shift: 0.25), to: "mine.csv")
    let other = try tool.run(line + " --resume --stop-at 14")
    #expect(other.code == 0)
    #expect(
      other.errors.contains(
        "warning: ./mine.csv has changed since the run was saved (other content)"),
      "\(other.errors)")
    try tool.write(points(120), to: "mine.csv")
    let more = try tool.run(line + " --resume --stop-at 16")
    #expect(more.errors.contains("(120 examples instead of 100)"), "\(more.errors)")
    // The metadata hold no host, time or path other than that of the experiment.
    let header = String(
      decoding: tool.bytes("run/checkpoint.safetensors")?.prefix(4000) ?? [], as: UTF8.self)
    #expect(header.contains("figment.data"))
    #expect(!header.contains(tool.folder))
  }

  // MARK: Refusals that leave nothing

  @Test func aRefusedRunLeavesNothing() throws {
    try tool.write((0..<60).map { "\($0 % 7),\($0 % 5)" }.joined(separator: "\n"), to: "few.csv")
    try tool.write("mine", to: "file")
    for (line, message) in [
      ("--set model.classes=3", "model.classes: 3, but points of a 2-D set have no classes"),
      (
        "--set model.classes=3 --set data=./few.csv",
        "model.classes: 3, but ./few.csv has no classes"
      ),
      ("--set data=./missing.csv", "missing.csv"), ("--out file/run", "file"),
      ("--out deep/\(String(repeating: "x", count: 300))", "File name too long"),
      ("--out deep/er/\(String(repeating: "x", count: 300))/run", "File name too long"),
      ("--out /proc/run", "/proc/run: cannot make the folder"),
    ] {
      let before = try names()
      let result = try tool.run("train tiny.yaml \(line)")
      #expect(result.code == 1 && result.output.isEmpty, "\(line)")
      #expect(
        result.errors.hasPrefix("error: ") && result.errors.contains(message), "\(result.errors)")
      #expect(result.errors.count { $0 == "\n" } == 1, "\(result.errors)")
      #expect(try names() == before, "\(line)")
    }
  }

  @Test func aCheckpointAloneIsEnough() throws {
    #expect(try tool.run("train tiny.yaml --out run --quiet").code == 0)
    try tool.makeFolder("moved")
    try tool.write(
      try #require(tool.bytes("run/checkpoint.safetensors")), to: "moved/checkpoint.safetensors")
    #expect(try tool.run("sample moved --count 5 --quiet").output == "moved/samples/drawn.png\n")
    #expect(try tool.run("field moved").output == "moved/samples/score.png\n")
  }

  /// The work would take minutes: an immediate error shows that the check came first.
  @Test func outputsAreOpenedBeforeTheWork() throws {
    #expect(try tool.run("train tiny.yaml --out run --quiet").code == 0)
    try tool.makeFolder("folder.png")
    let long = String(repeating: "x", count: 250)
    #expect(mkfifo(tool.path("pipe.png"), 0o600) == 0)
    for (line, message) in [
      (
        "sample run --count 1000000 --out missing/x.png",
        "missing/x.png: cannot create: No such file"
      ),
      (
        "sample run --count 1000000 --npy missing/x.npy",
        "missing/x.npy: cannot create: No such file"
      ),
      ("sample run --count 1000000 --out folder.png", "folder.png: cannot write: Is a directory"),
      (
        "sample run --count 1000000 --out tiny.yaml/x.png",
        "tiny.yaml/x.png: cannot create: Not a dir"
      ),
      ("sample run --count 1000000 --out \(long).png", "cannot create: File name too long"),
      ("sample run --count 1000000 --out pipe.png", "pipe.png: is not a regular file"),
      ("field run --out missing/x.png", "missing/x.png: cannot create: No such file"),
      ("compare run run --out missing/x.png", "missing/x.png: cannot create: No such file"),
    ] {
      let before = files(".")
      let start = Date()
      let result = try tool.run(line)
      #expect(result.code == 1 && result.output.isEmpty, "\(line)")
      #expect(
        result.errors.hasPrefix("error: ") && result.errors.contains(message), "\(result.errors)")
      #expect(result.errors.count { $0 == "\n" } == 1)
      #expect(Date().timeIntervalSince(start) < 20, "\(line)")
      #expect(files(".") == before, "\(line)")
    }
  }

  /// Makes the run folder read-only; permissions do not bind root.
  @Test(.enabled(if: geteuid() != 0, "root may write everywhere"))
  func aRunThatCannotBeWrittenIsSaidBeforeTheWork() throws {
    #expect(try tool.run("train tiny.yaml --out run --quiet").code == 0)
    chmod(tool.path("run/samples"), 0o555)
    let result = try tool.run("sample run --count 1000000")
    #expect(result.errors == "error: run/samples/drawn.png: cannot create: Permission denied\n")
  }

  // MARK: Values and names

  @Test func valuesOfSetMayContainAnything() throws {
    try tool.makeFolder("home")
    for name in ["pics #2.csv", "a: b.csv", "back\\slash.csv", "-x.csv", "home/mine.csv"] {
      try tool.write(points(40), to: name)
    }
    for (value, written) in [
      ("./pics #2.csv", "data: \"./pics #2.csv\""), ("./a: b.csv", "data: \"./a: b.csv\""),
      ("./back\\slash.csv", "data: \"./back\\\\slash.csv\""), ("./-x.csv", "data: ./-x.csv"),
      ("\"./pics #2.csv\"", "data: \"./pics #2.csv\""),
      ("~/mine.csv", "data: \(tool.path("home/mine.csv"))"),
    ] {
      let result = try tool.shell(
        "HOME=\"$PWD/home\" \"$F\" train tiny.yaml --set 'data=\(value)' --out run --quiet; cat run/experiment.yaml; rm -r run"
      )
      #expect(
        result.output.contains("\n\(written)\n"), "\(value): \(result.output) \(result.errors)")
    }
    let comment = try tool.shell("\"$F\" train tiny.yaml --set 'data=\"./pics\" #2' --dry-run")
    #expect(comment.code == 1)
    #expect(comment.errors.contains("a \"#\" begins a comment here"), "\(comment.errors)")
    let file = try tool.shell(
      "sed -i 's|^data:.*|data: ~/mine.csv|' tiny.yaml; HOME=\"$PWD/home\" \"$F\" train tiny.yaml --out run --quiet"
    )
    #expect(file.code == 0, "\(file.errors)")
  }

  @Test func printedCommandsAreQuoted() throws {
    let out = "my 'run' #1"
    #expect(try tool.shell("\"$F\" train tiny.yaml --out \"\(out)\" --quiet").code == 0)
    let described = try tool.shell("\"$F\" info \"\(out)\"")
    let line = try #require(
      described.output.split(separator: "\n").first { $0.hasPrefix("made again by: ") })
    let command = line.dropFirst("made again by: figment ".count)
      .replacing("NEW-FOLDER", with: "again --quiet")
    #expect(try tool.shell("\"$F\" \(command)").code == 0, "\(line)")
    #expect(
      tool.bytes("again/checkpoint.safetensors") == tool.bytes(out + "/checkpoint.safetensors"))
    // The error also prints a command, and pictures store one.
    let refused = try tool.shell("\"$F\" train tiny.yaml --out \"\(out)\"")
    let resume = try #require(
      refused.errors.components(separatedBy: "resume it with: figment ").last)
    #expect(try tool.shell("\"$F\" \(resume)").code == 0, "\(refused.errors)")
    let drawn = try tool.shell(
      "cp -r \"\(out)\" $'a\\033b'; \"$F\" sample $'a\\033b' --count 3 --quiet >/dev/null; \"$F\" info $'a\\033b/samples/drawn.png'"
    )
    #expect(!drawn.output.contains("\u{1B}"))
    #expect(
      drawn.output.contains("made again by: figment sample $'a\\033b' --count 3 --quiet\n"),
      "\(drawn.output)")
  }

  @Test func invalidUTF8ArgumentsAreRefusedInOneLine() throws {
    for line in ["sample $'caf\\xe9'", "train tiny.yaml --out $'\\xff'"] {
      let result = try tool.shell("\"$F\" \(line)")
      #expect(result.code == 64 && result.output.isEmpty)
      #expect(result.firstErrorLine.contains(" is not valid UTF-8; "), "\(result.errors)")
    }
    let escaped = try tool.shell("\"$F\" train tiny.yaml $'x\\033[31m'")
    #expect(escaped.code == 64 && !escaped.errors.contains("\u{1B}"))
  }

  // MARK: Several runs

  @Test func pathsWithoutARunAreSkipped() throws {
    for name in ["a", "b"] {
      #expect(try tool.run("train tiny.yaml --out outputs/\(name) --quiet").code == 0)
    }
    try tool.makeFolder("outputs/empty")
    try tool.write("mine", to: "outputs/notes.txt")
    let remarks = """
      skipped: outputs/empty: no checkpoint.safetensors; not a run, or not saved yet
      skipped: outputs/notes.txt: is not a run folder

      """
    for line in [
      "compare outputs/* --out c.png", "compare outputs/* --json",
      "evaluate outputs/* --count 100 --json --quiet",
      "likelihood outputs/* --examples 5 --samples 2 --json --quiet",
    ] {
      let result = try tool.shell("\"$F\" \(line)")
      #expect(result.code == 0, "\(line)")
      #expect(result.errors == remarks, "\(line)")
      #expect(result.output.contains("outputs/a") && result.output.contains("outputs/b"), "\(line)")
      // A path that does not exist is a mistake.
      let slip = try tool.shell("\"$F\" \(line) outputs/c")
      #expect(slip.code == 1 && slip.output.isEmpty, "\(line)")
      #expect(slip.lastErrorLine == "error: outputs/c: is not a run folder", "\(line)")
    }
    // No path is left.
    for (line, message) in [
      (
        "compare outputs/a outputs/empty",
        "compare: expected 2 to 8 runs; of the 2 paths given, 1 holds one"
      ),
      (
        "evaluate outputs/empty outputs/notes.txt",
        "evaluate: none of these paths holds a run that can be evaluated"
      ),
      (
        "likelihood outputs/empty outputs/notes.txt",
        "likelihood: none of these paths holds a run with a likelihood"
      ),
      (
        "evaluate outputs/empty",
        "outputs/empty: no checkpoint.safetensors; not a run, or not saved yet"
      ),
      ("likelihood outputs/notes.txt", "outputs/notes.txt: is not a run folder"),
    ] {
      let result = try tool.run(line)
      #expect(result.code == 1 && result.output.isEmpty, "\(line)")
      #expect(result.lastErrorLine == "error: " + message)
    }
  }

  @Test func anUnreadableTableIsNotOverwritten() throws {
    try tool.makeFolder("Experiments/reproduce")
    try tool.write(
      "name: x\ndata: moons\nsteps: 10\nmodel: {kind: vae, latent: 2, likelihood: gaussian, bound: iwae}\n",
      to: "Experiments/reproduce/iwae.yaml")
    for content in [[0xFF, 0xFE, 0x41] as [UInt8], Array(repeating: 0x41, count: (1 << 24) + 1)] {
      try tool.write(content, to: "Experiments/REPRODUCED.md")
      let result = try tool.run("reproduce iwae-k1")
      #expect(result.code == 1)
      #expect(result.errors.hasPrefix("error: Experiments/REPRODUCED.md: "), "\(result.errors)")
      #expect(tool.bytes("Experiments/REPRODUCED.md") == content)
      #expect(!tool.exists("outputs"))
    }
  }

  // MARK: Metrics and texts

  @Test func aMissingFittedBoundIsReported() throws {
    // Fewer examples than a validation split needs.
    try tool.write(points(25), to: "mine.csv")
    #expect(try tool.run("train tiny.yaml --set data=./mine.csv --out run --quiet").code == 0)
    let result = try tool.run("likelihood run --split train --samples 2 --quiet")
    #expect(result.code == 0, "\(result.errors)")
    #expect(!result.output.contains("fitted"))
    #expect(
      result.errors.hasPrefix(
        "warning: no bound with fitted variances, because there are no validation data: "),
      "\(result.errors)")
  }

  @Test func aRowHasTheRequestedNumberOfImages() throws {
    let pixels = (0..<64).map { _ in (0..<64).map { UInt8(truncatingIfNeeded: $0 &* 37) } }
    try tool.makeFolder("pics")
    for (i, row) in pixels.enumerated() {
      let bitmap = try Bitmap(row, height: 8, width: 8, channels: 1)
      try tool.write(try PNG.encode(bitmap, text: []), to: "pics/\(i).png")
    }
    try tool.write(
      """
      name: images
      data: ./pics
      steps: 2
      batch: 4
      model: {kind: ddpm, network: unet, times: 10, base: 8, multipliers: [1], attention: false}
      sampling: {steps: 2, previewSteps: 2, count: 4, previewCount: 2}
      """, to: "images.yaml")
    #expect(try tool.run("train images.yaml --out run --quiet").code == 0)
    var widths: [Int] = []
    for count in [3, 4, 11] {
      let result = try tool.run("interpolate run --from 0 --to 1 --count \(count) --out row.png")
      #expect(result.code == 0, "\(result.errors)")
      widths.append(try PNG.decode(try #require(tool.bytes("row.png"))).bitmap.width)
    }
    // Other images of the same shape give a warning, images of another shape an error.
    let checkpoint = tool.bytes("run/checkpoint.safetensors")
    unlink(tool.path("pics/9.png"))
    let fewer = try tool.run("train images.yaml --out run --resume")
    #expect(fewer.code == 0)
    #expect(fewer.errors.contains(" examples instead of "), "\(fewer.errors)")
    try FileManager.default.removeItem(atPath: tool.path("pics"))
    try tool.makeFolder("pics")
    for i in 0..<64 {
      let bitmap = try Bitmap(
        [UInt8](repeating: UInt8(i), count: 256), height: 16, width: 16, channels: 1)
      try tool.write(try PNG.encode(bitmap, text: []), to: "pics/\(i).png")
    }
    let other = try tool.run("train images.yaml --out run --resume")
    #expect(other.code == 1 && other.output.isEmpty)
    #expect(
      other.lastErrorLine.hasPrefix(
        "error: run/checkpoint.safetensors: was trained on images of 8 x 8, grey, and ./pics now holds "
          + "images of 16 x 16, grey; "), "\(other.errors)")
    #expect(tool.bytes("run/checkpoint.safetensors") == checkpoint)
    // A margin, and cells of equal width.
    #expect((widths[2] - widths[1]) == 7 * (widths[1] - widths[0]))
    let cell = widths[1] - widths[0]
    #expect(widths[0] / cell == 3, "\(widths)")
  }

  @Test func aDivergedRunExitsWithOne() throws {
    try tool.write(
      """
      name: wild
      data: eight-gaussians
      steps: 1500
      batch: 32
      model: {kind: wgan, network: mlp, latent: 2, generator: [16], critic: [32, 32], constraint: none, loss: wasserstein}
      optimizer: {rate: 0.05, average: null}
      sampling: {count: 16, previewCount: 4}
      report: {metricsEvery: 10, samplesEvery: 400, checkpointEvery: 400}
      """, to: "wild.yaml")
    let end = "error: training has diverged: the critic's loss, "
    let result = try tool.run("train wild.yaml --out run")
    #expect(result.code == 1 && result.output == "run/samples.png\n", "\(result.errors)")
    #expect(result.lastErrorLine.hasPrefix(end), "\(result.errors)")
    let warnings = result.errors.split(separator: "\n").filter { $0.hasPrefix("warning: step") }
    #expect((1...3).contains(warnings.count), "each once: \(result.errors)")
    for name in ["checkpoint.safetensors", "samples.png", "curves.png", "critic.png"] {
      #expect(tool.exists("run/" + name), "\(name)")
    }
    // The verdict is the same when the run is opened again or taken in two parts; a run stopped
    // early has no verdict.
    #expect(try tool.run("train wild.yaml --out run --resume --quiet").code == 1)
    #expect(try tool.run("train wild.yaml --out parts --stop-at 1400 --quiet").code == 0)
    #expect(try tool.run("train wild.yaml --out parts --resume --quiet").code == 1)
    #expect(
      tool.bytes("parts/checkpoint.safetensors") == tool.bytes("run/checkpoint.safetensors"))
  }

  @Test func infoCountsParametersOnly() throws {
    for (name, model) in [
      ("a", "{kind: wgan, network: mlp, latent: 2, generator: [4], critic: [4], constraint: sn}"),
      ("b", "{kind: vae, hidden: [8], latent: 2, likelihood: gaussian}"),
      ("c", "{kind: ddpm, network: mlp, times: 20, width: 8, depth: 1, timeFeatures: 4}"),
    ] {
      try tool.write(
        "name: x\ndata: moons\nsteps: 2\nbatch: 8\nmodel: \(model)\nsampling: {count: 4, previewCount: 4}\n",
        to: "x.yaml")
      let trained = try tool.run("train x.yaml --out \(name)")
      #expect(trained.code == 0, "\(trained.errors)")
      let said = try #require(
        trained.errors.split(separator: "\n").first { $0.contains(" parameters, ") })
      let count = try #require(said.split(separator: " ").first)
      #expect(try tool.run("info \(name)").output.contains("\nparameters \(count)\n"), "\(name)")
    }
  }
}
