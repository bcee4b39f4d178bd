/// A line for the log: a constant message, and what varies beside it.
public struct Note: Sendable, Equatable {
  public enum Level: String, Sendable, CaseIterable { case debug, info, warning }

  public var level: Level
  public var message: String
  public var metadata: [String: String]

  public init(_ level: Level, _ message: String, _ metadata: [String: String] = [:]) {
    self.level = level
    self.message = message
    self.metadata = metadata
  }
}
