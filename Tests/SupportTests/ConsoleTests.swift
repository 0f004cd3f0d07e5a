import Glibc
import Logging
import Support
import Synchronization
import Testing

/// A console that records its output, with a clock that the test sets.
private final class Recorder: Sendable {
  private let text = Mutex("")
  private let time = Mutex(0.0)
  let width: Int?

  init(width: Int?) { self.width = width }

  var console: Console {
    Console(width: { self.width }, output: { text in self.text.withLock { $0 += text } })
  }
  var clock: @Sendable () -> Double { { self.time.withLock { $0 } } }
  func advance(to seconds: Double) { time.withLock { $0 = seconds } }

  /// Returns the output since the last call.
  func take() -> String {
    text.withLock { text in
      defer { text = "" }
      return text
    }
  }
}

@Suite struct ProgressTests {
  @Test func linesAreSpacedEverFurtherApart() {
    let recorder = Recorder(width: nil)
    var progress = Progress(total: 1000, console: recorder.console, clock: recorder.clock)
    for second in 1...100 {
      recorder.advance(to: Double(second))
      progress.update(second * 10, note: "loss 0.\(second)")
    }
    #expect(
      recorder.take() == """
        steps 50/1000 (5 %), 10.0 steps/s, 1:35 left, loss 0.5
        steps 100/1000 (10 %), 10.0 steps/s, 1:30 left, loss 0.10
        steps 150/1000 (15 %), 10.0 steps/s, 1:25 left, loss 0.15
        steps 200/1000 (20 %), 10.0 steps/s, 1:20 left, loss 0.20
        steps 250/1000 (25 %), 10.0 steps/s, 1:15 left, loss 0.25
        steps 320/1000 (32 %), 10.0 steps/s, 1:08 left, loss 0.32
        steps 400/1000 (40 %), 10.0 steps/s, 1:00 left, loss 0.40
        steps 500/1000 (50 %), 10.0 steps/s, 0:50 left, loss 0.50
        steps 630/1000 (63 %), 10.0 steps/s, 0:37 left, loss 0.63
        steps 790/1000 (79 %), 10.0 steps/s, 0:21 left, loss 0.79
        steps 990/1000 (99 %), 10.0 steps/s, 0:01 left, loss 0.99
        steps 1000/1000 (100 %), 10.0 steps/s, 1:40 in all, loss 0.100

        """)
  }

  @Test func aTerminalShowsABar() {
    let recorder = Recorder(width: 80)
    var progress = Progress(total: 200, console: recorder.console, clock: recorder.clock)
    recorder.advance(to: 2)
    progress.update(50, note: "loss 1")
    #expect(
      recorder.take()
        == "\r 50/200 [=======                       ]  25 %  25.0 steps/s  0:06 left  loss 1\u{1B}[K"
    )
    recorder.advance(to: 2.05)
    progress.update(51)
    #expect(recorder.take() == "")
    recorder.advance(to: 8)
    progress.update(200)
    #expect(
      recorder.take()
        == "\r200/200 [==============================] 100 %  25.0 steps/s  0:08 in all\u{1B}[K\n")
  }

  @Test(arguments: 1...120)
  func aBarFitsItsTerminal(_ width: Int) {
    let recorder = Recorder(width: width)
    var progress = Progress(total: 60000, console: recorder.console, clock: recorder.clock)
    recorder.advance(to: 30)
    progress.update(1234, note: "loss 0.0312, rate 0.0001")
    let text = recorder.take()
    #expect(text.replacing("\r", with: "").replacing("\u{1B}[K", with: "").count < width)
  }

  @Test func aLineIsPrintedAboveTheBar() {
    let recorder = Recorder(width: 20)
    let console = recorder.console
    console.show("bar")
    console.print("message")
    console.settle()
    console.print("after")
    #expect(recorder.take() == "\rbar\u{1B}[K\r\u{1B}[Kmessage\nbar\nafter\n")
  }

  @Test func quietPrintsNothing() {
    for width in [nil, 80] {
      let recorder = Recorder(width: width)
      var progress = Progress(
        total: 10, style: .quiet, console: recorder.console, clock: recorder.clock)
      recorder.advance(to: 100)
      progress.update(10)
      progress.finish()
      #expect(recorder.take() == "")
    }
  }

  @Test func aResumedRunShowsItsOwnRate() {
    let recorder = Recorder(width: nil)
    var progress = Progress(
      total: 1000, from: 900, console: recorder.console, clock: recorder.clock)
    recorder.advance(to: 10)
    progress.update(905)
    #expect(recorder.take() == "steps 905/1000 (90 %), 2.00 s per step, 3:10 left\n")
  }

  @Test(arguments: [
    (0, "0:00"), (59.6, "1:00"), (3599, "59:59"), (3600, "1:00:00"), (90061, "25:01:01"),
    (1e300, "over 100 days"),
  ])
  func durations(_ seconds: Double, _ text: String) {
    #expect(Progress.duration(seconds) == text)
  }
}

@Suite struct LogTests {
  @Test func levelsAreWords() {
    let recorder = Recorder(width: nil)
    var logger = Logger(label: "test") { [console = recorder.console] _ in
      ConsoleLogHandler(console: console)
    }
    logger.debug("hidden")
    logger.info("plain")
    logger.notice("plain too")
    logger.warning("two\nlines", metadata: ["step": "5", "a": "b"])
    logger.error("bad")
    logger.logLevel = .warning
    logger.info("hidden")
    #expect(
      recorder.take()
        == "plain\nplain too\nwarning: two\\nlines a=b step=5\nerror: bad\n")
  }
}

@Suite struct CommandTextTests {
  @Test(arguments: [
    (["figment", "info", "outputs/toy"], "figment info outputs/toy"),
    (["my run", ""], "'my run' ''"), (["it's"], "'it'\\''s'"), (["#1"], "'#1'"),
    (["$HOME", "~/x", "a;b", "*"], "'$HOME' '~/x' 'a;b' '*'"), (["=x", "a=b"], "'=x' a=b"),
    (["a\u{1B}[31m"], "$'a\\033[31m'"), (["two\nlines"], "$'two\\012lines'"),
    (["\u{1}'\\"], "$'\\001\\'\\\\'"), (["\u{FC}ber"], "'\u{FC}ber'"),
  ]) func wordsAreQuotedForAShell(_ words: [String], _ text: String) {
    #expect(shellCommand(words) == text)
  }

  @Test func aCountOfOneIsSingular() {
    #expect(counted(1, "thread") == "1 thread")
    #expect(counted(0, "thread") == "0 threads" && counted(2, "thread") == "2 threads")
  }
}

@Suite(.serialized) struct InterruptionTests {
  @Test(arguments: [
    (SIGINT, Interruption.interrupt, Int32(130)), (SIGTERM, .terminate, 143),
    (SIGHUP, .hangup, 129),
  ])
  func theFirstSignalIsRemembered(_ number: Int32, _ expected: Interruption, _ code: Int32) {
    // The tests themselves may run under nohup.
    if number == SIGHUP { signal(SIGHUP, SIG_DFL) }
    Interruption.install()
    defer { Interruption.uninstall() }
    #expect(Interruption.received == nil)
    // To the process: the threads that tests run on may block signals.
    kill(getpid(), number)
    for _ in 0..<500 where Interruption.received == nil { usleep(10_000) }
    #expect(Interruption.received == expected)
    #expect(Interruption.received?.exitCode == code)
  }
}
