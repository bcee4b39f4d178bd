/// What a service manager is told in one message.
public struct ServiceNotice: Sendable, Equatable {
  public enum Word: String, Sendable {
    /// The start is over.
    case ready = "READY=1"
    /// The program ends because it was asked to.
    case stopping = "STOPPING=1"
    /// The program is alive.
    case beat = "WATCHDOG=1"
  }

  public var word: Word?
  /// A line for people, as `systemctl status` shows it; the last one stands.
  public var status: String?

  public init(_ word: Word? = nil, status: String? = nil) {
    self.word = word
    self.status = status
  }

  /// The message: one assignment a line.
  public var text: String {
    // A line break would begin another assignment.
    let line = status.map { "STATUS=" + $0.split(whereSeparator: \.isNewline).joined(separator: " ") }
    return [word?.rawValue, line].compactMap { $0 }.joined(separator: "\n")
  }
}
