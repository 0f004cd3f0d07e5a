import Glibc
import Synchronization

/// Lets a limit on the size of files fail a write with an error instead of killing the process.
package func ignoreFileSizeSignal() { signal(SIGXFSZ, SIG_IGN) }

/// A request from outside to end: SIGINT (Ctrl-C), SIGTERM, or SIGHUP where it is not ignored.
///
/// After `install()` the first signal is only remembered, for the loop to read with `received`
/// between two steps. A second SIGINT or SIGTERM ends the process at once, the way it does by default.
/// A second SIGHUP does not: a terminal that closes sends several, and service managers send one after
/// SIGTERM.
package enum Interruption: Sendable {
  /// SIGINT, which Ctrl-C sends.
  case interrupt
  /// SIGTERM, which `kill` and service managers send.
  case terminate
  /// SIGHUP, which a terminal sends that is closed.
  case hangup

  /// Starts to remember the signals instead of dying of them.
  ///
  /// SIGHUP stays ignored where it is at the start, as `nohup` has it.
  package static func install() {
    // The flag exists before a handler can run: initializing it inside one would not be safe. What it holds
    // stays, as a part of the program may have installed the handlers before.
    _ = firstSignal.load(ordering: .sequentiallyConsistent)
    var action = sigaction()
    action.__sigaction_handler.sa_handler = remember
    action.sa_flags = SA_RESTART
    sigemptyset(&action.sa_mask)
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM, SIGHUP] {
      if number == SIGHUP && isIgnored(number) { continue }
      sigaction(number, &action, nil)
      sigaddset(&signals, number)
    }
    // A parent may have started the process with them blocked.
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }

  /// Restores what the signals do by default and forgets what was received.
  package static func uninstall() {
    signal(SIGINT, SIG_DFL)
    signal(SIGTERM, SIG_DFL)
    if !isIgnored(SIGHUP) { signal(SIGHUP, SIG_DFL) }
    firstSignal.store(0, ordering: .sequentiallyConsistent)
  }

  private static func isIgnored(_ number: Int32) -> Bool {
    var current = sigaction()
    sigaction(number, nil, &current)
    // A handler and SIG_IGN, which is 1, share their place.
    return unsafeBitCast(current.__sigaction_handler.sa_handler, to: Int.self) == 1
  }

  /// The first signal since `install()`, if there was one.
  package static var received: Interruption? {
    switch firstSignal.load(ordering: .relaxed) {
    case SIGINT: .interrupt
    case SIGTERM: .terminate
    case SIGHUP: .hangup
    default: nil
    }
  }

  /// The exit code that tells a shell which signal ended the program: 130, 143 or 129.
  package var exitCode: Int32 {
    switch self {
    case .interrupt: 128 + SIGINT
    case .terminate: 128 + SIGTERM
    case .hangup: 128 + SIGHUP
    }
  }
}

private let firstSignal = Atomic<Int32>(0)

private func remember(_ number: Int32) {
  let (isFirst, _) = firstSignal.compareExchange(
    expected: 0, desired: number, ordering: .sequentiallyConsistent)
  if !isFirst && number != SIGHUP {
    signal(number, SIG_DFL)
    raise(number)
  }
}
