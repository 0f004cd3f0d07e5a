import Glibc
import Synchronization

/// Lets a limit on the size of files fail a write with an error instead of killing the process.
public func ignoreFileSizeSignal() { signal(SIGXFSZ, SIG_IGN) }

/// A request from outside to end: SIGINT (Ctrl-C) or SIGTERM.
///
/// After `install()` the first signal is only remembered, for the loop to read with `received`
/// between two steps. The second ends the process at once, the way the signal does by default.
public enum Interruption: Sendable {
  /// SIGINT, which Ctrl-C sends.
  case interrupt
  /// SIGTERM, which `kill` and service managers send.
  case terminate

  /// Starts to remember SIGINT and SIGTERM instead of dying of them.
  public static func install() {
    // The flag exists before a handler can run: initializing it inside one would not be safe.
    firstSignal.store(0, ordering: .sequentiallyConsistent)
    var action = sigaction()
    action.__sigaction_handler.sa_handler = remember
    action.sa_flags = SA_RESTART
    sigemptyset(&action.sa_mask)
    sigaction(SIGINT, &action, nil)
    sigaction(SIGTERM, &action, nil)
    // A parent may have started the process with both blocked.
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    sigaddset(&signals, SIGTERM)
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }

  /// Restores what the signals do by default and forgets what was received.
  public static func uninstall() {
    signal(SIGINT, SIG_DFL)
    signal(SIGTERM, SIG_DFL)
    firstSignal.store(0, ordering: .sequentiallyConsistent)
  }

  /// The first signal since `install()`, if there was one.
  public static var received: Interruption? {
    switch firstSignal.load(ordering: .relaxed) {
    case SIGINT: .interrupt
    case SIGTERM: .terminate
    default: nil
    }
  }

  /// The exit code that tells a shell which signal ended the program: 130 or 143.
  public var exitCode: Int32 {
    switch self {
    case .interrupt: 128 + SIGINT
    case .terminate: 128 + SIGTERM
    }
  }
}

private let firstSignal = Atomic<Int32>(0)

private func remember(_ number: Int32) {
  let (isFirst, _) = firstSignal.compareExchange(
    expected: 0, desired: number, ordering: .sequentiallyConsistent)
  if !isFirst {
    signal(number, SIG_DFL)
    raise(number)
  }
}
