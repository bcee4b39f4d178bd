/// Why a guest was not seen to be ready.
public struct ReadinessError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Kind: Sendable, Equatable {
    /// No banner came in time.
    case timedOut
    /// The task was cancelled.
    case cancelled
    /// The host's name or the port cannot be one; nothing was tried.
    case invalidAddress
  }

  public var kind: Kind
  public var host: String
  public var port: Int
  /// How long it was tried.
  public var waited: Duration
  /// Connections attempted.
  public var attempts: Int
  /// What became of the last attempt: "connection refused".
  public var lastCause: String?

  public init(
    kind: Kind, host: String, port: Int, waited: Duration = .zero, attempts: Int = 0, lastCause: String? = nil
  ) {
    self.kind = kind
    self.host = host
    self.port = port
    self.waited = waited
    self.attempts = attempts
    self.lastCause = lastCause
  }

  public var description: String {
    let cause = lastCause.map { ": \($0)" } ?? ""
    return switch kind {
    case .invalidAddress: "\(host):\(port) is no address to look for an SSH server at\(cause)"
    case .cancelled: "the wait for an SSH banner from \(host):\(port) was cancelled after \(time)\(tries)\(cause)"
    case .timedOut: "no SSH banner from \(host):\(port) within \(time)\(tries)\(cause)"
    }
  }

  private var time: String {
    let tenths = (waited / .milliseconds(100)).rounded()
    return "\(Int(tenths) / 10).\(Int(tenths) % 10) s"
  }

  private var tries: String { attempts == 1 ? " (1 try)" : " (\(attempts) tries)" }
}
