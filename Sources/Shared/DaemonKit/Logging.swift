public import ClusterModel
public import Logging

/// Keys of metadata in log lines, the same in all programs.
public enum LogKey {
  public static let host = "host"
  public static let vm = "vm"
  public static let task = "task-id"
  public static let plan = "plan-id"
  public static let cause = "cause"
}

extension Logger {
  /// The log of one program, on standard error: one line each, time first.
  public static func forProgram(_ name: String, level: LogLevel) -> Logger {
    var logger = Logger(label: name) { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = Logger.Level(rawValue: level.rawValue) ?? .info
    return logger
  }

  /// Writes what a core has noted.
  public func write(_ note: Note) {
    let level: Logger.Level =
      switch note.level {
      case .debug: .debug
      case .info: .info
      case .warning: .warning
      }
    log(level: level, "\(note.message)", metadata: note.metadata.mapValues { .string($0) })
  }
}
