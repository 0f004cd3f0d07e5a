import Logging

/// A log handler that prints messages on the console, one line each, without a time.
///
/// Messages up to `notice` are printed as they are; higher levels get a prefix, as in
/// `warning: no checkpoint yet`. Metadata follows as `key=value`, sorted by key.
package struct ConsoleLogHandler: LogHandler {
  private let console: Console

  /// The lowest level that is printed.
  package var logLevel: Logger.Level
  /// Metadata added to every message.
  package var metadata: Logger.Metadata = [:]

  /// Prints messages of at least `level` on `console`.
  package init(console: Console, level: Logger.Level = .info) {
    self.console = console
    logLevel = level
  }

  /// An entry of the metadata that is added to every message.
  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  /// Prints one message.
  package func log(event: LogEvent) {
    let prefix =
      switch event.level {
      case .trace, .debug: "debug: "
      case .info, .notice: ""
      case .warning: "warning: "
      case .error, .critical: "error: "
      }
    let merged = metadata.merging(event.metadata ?? [:]) { _, own in own }
    let suffix = merged.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
    console.print(prefix + printable(event.message.description, limit: 2000) + suffix)
  }
}
