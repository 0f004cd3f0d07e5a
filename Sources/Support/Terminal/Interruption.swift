import Glibc
import Synchronization

/// Ignores SIGXFSZ, so that a write beyond the file size limit fails instead of killing the
/// process.
package func ignoreFileSizeSignal() { signal(SIGXFSZ, SIG_IGN) }

/// An external request to stop: SIGINT (Ctrl-C), SIGTERM, or SIGHUP unless it is ignored.
///
/// After `install()` the first signal is only recorded, and the training loop reads it from
/// `received` between two steps. A second SIGINT or SIGTERM ends the process at once, by the
/// default action. A second SIGHUP does not: a closing terminal sends several, and service managers
/// send one after SIGTERM.
package enum Interruption: Sendable {
  /// SIGINT, sent by Ctrl-C.
  case interrupt
  /// SIGTERM, sent by `kill` and service managers.
  case terminate
  /// SIGHUP, sent when the terminal closes.
  case hangup

  /// Starts recording the signals instead of ending the process.
  ///
  /// SIGHUP stays ignored if it is ignored already, as under `nohup`.
  package static func install() {
    // The variable must exist before a handler runs: initializing it inside a handler is not safe.
    // A signal recorded earlier is kept, because another part of the program may have installed the
    // handlers before.
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
    // The parent process may have blocked the signals.
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }

  /// Restores the default actions and forgets the recorded signal.
  package static func uninstall() {
    signal(SIGINT, SIG_DFL)
    signal(SIGTERM, SIG_DFL)
    if !isIgnored(SIGHUP) { signal(SIGHUP, SIG_DFL) }
    firstSignal.store(0, ordering: .sequentiallyConsistent)
  }

  private static func isIgnored(_ number: Int32) -> Bool {
    var current = sigaction()
    sigaction(number, nil, &current)
    // A handler and SIG_IGN, whose value is 1, share a union.
    return unsafeBitCast(current.__sigaction_handler.sa_handler, to: Int.self) == 1
  }

  /// The first signal since `install()`, if any.
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
