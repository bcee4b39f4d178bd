public import Logging
public import MessageBus
import Synchronization

/// What every program of ours does with what its bus tells: the log says what became of the connection, and a program
/// whose client id another has taken ends.
public final class BusListener: Sendable {
  private let logger: Logger
  private let connected: @Sendable () -> Void
  private let message: @Sendable (BusMessage) -> Void
  private let end: @Sendable () -> Void
  private let takenOver = Mutex(false)

  /// All are called on the bus's thread.
  /// - Parameter end: another program has the client id; `wasTakenOver` is true by then.
  public init(
    logger: Logger, connected: @escaping @Sendable () -> Void, message: @escaping @Sendable (BusMessage) -> Void,
    end: @escaping @Sendable () -> Void
  ) {
    self.logger = logger
    self.connected = connected
    self.message = message
    self.end = end
  }

  public var wasTakenOver: Bool { takenOver.withLock { $0 } }

  /// For `MessageBus.start`.
  @Sendable public func receive(_ event: BusEvent) {
    logger.write(event)
    switch event {
    case .connected: connected()
    case .disconnected: break
    case .takenOver:
      takenOver.withLock { $0 = true }
      end()
    case .message(let message): self.message(message)
    }
  }
}
