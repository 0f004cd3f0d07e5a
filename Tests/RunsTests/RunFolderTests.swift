import Glibc
import Runs
import Support
import TestSupport
import Testing

private let experiment = "name: toy\nseed: 0\nmodel:\n  width: 64\n"
private let other = "name: toy\nseed: 1\nmodel:\n  width: 32\n"

@Suite struct RunFolderTests {
  let root: TemporaryFolder
  init() throws { root = try TemporaryFolder() }

  private func open(
    _ experiment: String = experiment, out: String? = nil, resumes: Bool = false
  ) throws -> RunFolder {
    try RunFolder(
      name: "toy", experiment: experiment, outputs: root.file("outputs"),
      explicit: out.map(root.file), resumes: resumes,
      resumeCommand: "figment train toy.yaml --resume")
  }

  /// The folder and notices of a run that begins and ends, or the error.
  private func outcome(
    _ experiment: String = experiment, out: String? = nil, resumes: Bool = false
  ) -> [String] {
    do {
      let run = try open(experiment, out: out, resumes: resumes)
      return ([run.paths.folder + (run.hasCheckpoint ? " resumes" : "")] + run.notices)
        .map { $0.replacing(root.path + "/", with: "") }
    } catch {
      return ["\(error)".replacing(root.path + "/", with: "")]
    }
  }

  private let exists =
    "outputs/toy already holds this run; resume it with: figment train toy.yaml --resume"
  private let differs =
    "outputs/toy holds another run, which differs in seed (0 there, 1 here), "
    + "model.width (64 there, 32 here); nothing was changed"

  @Test func aNewRunGetsTheNameOfTheExperiment() throws {
    #expect(outcome() == ["outputs/toy"])
    #expect(root.text("outputs/toy/experiment.yaml") == experiment)
  }

  @Test func theSameExperimentIsRefusedWithTheResumeCommand() {
    #expect(outcome() == ["outputs/toy"])
    #expect(outcome() == [exists])
  }

  @Test func resumeContinuesFromACheckpoint() throws {
    #expect(outcome(resumes: true) == ["outputs/toy"])
    #expect(outcome(resumes: true) == ["outputs/toy"])
    try root.put("x".utf8, at: "outputs/toy/checkpoint.safetensors")
    #expect(outcome(resumes: true) == ["outputs/toy resumes"])
    #expect(outcome() == [exists])
  }

  @Test func anotherExperimentGoesToTheNextName() {
    #expect(outcome() == ["outputs/toy"])
    #expect(outcome(other) == ["outputs/toy-2", differs])
    let third = outcome("name: toy\nseed: 0\nsteps: 9\n")
    #expect(third.count == 3)
    #expect(third.first == "outputs/toy-3")
    #expect(
      third[1] == "outputs/toy holds another run, which differs in steps (missing there, 9 here), "
        + "model.width (64 there, missing here); nothing was changed")
    #expect(root.text("outputs/toy/experiment.yaml") == experiment)
    #expect(outcome(other, resumes: true) == ["outputs/toy-2", differs])
    #expect(outcome(other).first?.hasPrefix("outputs/toy-2 already holds this run") == true)
  }

  @Test func anExplicitFolderOfAnotherRunIsRefused() {
    #expect(outcome(out: "deep/a/") == ["deep/a"])
    for resumes in [false, true] {
      #expect(
        outcome(other, out: "deep/a", resumes: resumes) == [
          differs.replacing("outputs/toy", with: "deep/a")
        ])
    }
    #expect(
      outcome(out: "deep/a") == [exists.replacing("outputs/toy", with: "deep/a")])
    #expect(root.text("deep/a/experiment.yaml") == experiment)
  }

  @Test func otherFilesAreLeftUnchanged() throws {
    try writeFile("outputs", folder: true)
    try writeFile("outputs/toy", folder: true)
    try root.put("mine".utf8, at: "outputs/toy/notes.txt")
    try root.put("mine".utf8, at: "outputs/toy-2")
    let foreign =
      "outputs/toy holds \"notes.txt\" and no experiment.yaml, not a run; nothing was changed"
    #expect(
      outcome() == [
        "outputs/toy-3", foreign, "outputs/toy-2 is a file, not a run; nothing was changed",
      ])
    #expect(outcome(out: "outputs/toy") == [foreign])
    #expect(root.text("outputs/toy/notes.txt") == "mine")
    try root.put("a: [".utf8, at: "outputs/toy/experiment.yaml")
    #expect(
      outcome(out: "outputs/toy", resumes: true).first?.hasPrefix(
        "outputs/toy holds an experiment.yaml that cannot be read (not YAML: ") == true)
  }

  private func writeFile(_ name: String, folder: Bool) throws {
    guard mkdir(root.file(name), 0o777) == 0 else {
      throw FigmentError(path: name, operation: "make", code: errno)
    }
  }

  private let six = "name: toy\nsteps: 6\nmodel:\n  width: 64\n"

  @Test func aRunOfOtherStepsIsNotResumed() throws {
    func outcome(_ experiment: String, out: String? = nil, changesSteps: Bool) -> String {
      failure {
        let run = try RunFolder(
          name: "toy", experiment: experiment, outputs: root.file("outputs"),
          explicit: out.map(root.file), resumes: true, resumeCommand: "",
          changesSteps: changesSteps)
        throw FigmentError(path: run.paths.folder, problem: "is used")
      }.replacing(root.path + "/", with: "")
    }
    #expect(outcome(six, changesSteps: true) == "outputs/toy: is used")
    let nine = six.replacing("6", with: "9").replacing("94", with: "64")
    let refused = outcome(nine, changesSteps: true)
    #expect(
      refused.hasPrefix("outputs/toy holds a run of 6 steps, and the command line asks for 9: "))
    #expect(outcome(nine, out: "outputs/toy", changesSteps: true) == refused)
    #expect(root.names() == ["outputs"])
    // If the file itself changes the steps, it is another experiment; if that exists, it resumes.
    #expect(outcome(nine, changesSteps: false) == "outputs/toy-2: is used")
    #expect(outcome(nine, changesSteps: true) == "outputs/toy-2: is used")
  }

  @Test func anEarlyRefusalLeavesNothing() throws {
    for out in [nil, "deep/er/run"] as [String?] {
      #expect(
        failure {
          _ = try RunFolder(
            name: "toy", experiment: experiment, outputs: root.file("outputs"),
            explicit: out.map(root.file), resumes: false, resumeCommand: "",
            prepare: { throw FigmentError(path: "data", problem: "are missing") })
        } == "data: are missing")
      #expect(root.names().isEmpty)
    }
    // `prepare` is called once, and not for an existing run.
    var calls = 0
    for resumes in [false, true] {
      _ = try RunFolder(
        name: "toy", experiment: experiment, outputs: root.file("outputs"), resumes: resumes,
        resumeCommand: "", prepare: { calls += 1 })
    }
    #expect(calls == 1)
  }

  @Test func anEmptyFolderIsTaken() throws {
    try writeFile("mine", folder: true)
    #expect(outcome(out: "mine") == ["mine"])
  }

  @Test func commentsInTheFileDoNotMatter() throws {
    #expect(outcome() == ["outputs/toy"])
    try root.put(("# note\n" + experiment).utf8, at: "outputs/toy/experiment.yaml")
    #expect(outcome(resumes: true) == ["outputs/toy"])
    #expect(root.text("outputs/toy/experiment.yaml") == "# note\n" + experiment)
  }

  @Test func aSecondProcessIsRefused() throws {
    do {
      let first = try open()
      #expect(
        outcome(resumes: true) == ["outputs/toy is in use by another process (\(getpid()))"])
      #expect(first.paths.folder.hasSuffix("/outputs/toy"))
    }
    #expect(outcome(resumes: true) == ["outputs/toy"])
  }

  @Test func leftoversOfAKilledRunAreRemoved() throws {
    #expect(outcome() == ["outputs/toy"])
    try root.put("x".utf8, at: "outputs/toy/.checkpoint.safetensors.2147483000-4.partial")
    try root.put("x".utf8, at: "outputs/toy/samples/.000500.png.2147483000-5.partial")
    #expect(outcome(resumes: true) == ["outputs/toy"])
    #expect(root.text("outputs/toy/.checkpoint.safetensors.2147483000-4.partial") == nil)
    #expect(root.text("outputs/toy/samples/.000500.png.2147483000-5.partial") == nil)
  }

  @Test(arguments: ["", "..", "a/b", "-x", ".x", "a b", "ü", String(repeating: "a", count: 101)])
  func badNamesAreRefused(_ name: String) {
    #expect(!isPlainName(name))
    #expect(throws: FigmentError("\(quoted(name)) cannot be the name of a run folder")) {
      _ = try RunFolder(
        name: name, experiment: experiment, outputs: root.file("outputs"), resumes: false,
        resumeCommand: "")
    }
  }

  @Test func pathsFollowTheContract() {
    let paths = RunPaths("outputs/toy/")
    #expect(paths.experiment == "outputs/toy/experiment.yaml")
    #expect(paths.metrics == "outputs/toy/metrics.jsonl")
    #expect(paths.timings == "outputs/toy/timings.jsonl")
    #expect(paths.checkpoint == "outputs/toy/checkpoint.safetensors")
    #expect(paths.sample(step: 500) == "outputs/toy/samples/000500.png")
    #expect(paths.sample(step: 12_345_678) == "outputs/toy/samples/12345678.png")
    #expect(paths.latestSample == "outputs/toy/samples/latest.png")
    #expect(paths.finalSample == "outputs/toy/samples.png")
  }
}
