public import MessageBus
import Synchronization

/// Takes down what a bus reports.
public final class EventLog: Sendable {
  private let entries = Mutex<[BusEvent]>([])

  public init() {}

  /// To be given to `MessageBus.start`.
  public var handler: @Sendable (BusEvent) -> Void {
    { [self] event in entries.withLock { $0.append(event) } }
  }

  public var events: [BusEvent] { entries.withLock { $0 } }

  public var messages: [BusMessage] {
    events.compactMap { if case .message(let message) = $0 { message } else { nil } }
  }

  /// The payloads of the messages as text.
  public var texts: [String] { messages.map { String(decoding: $0.payload, as: UTF8.self) } }

  /// One entry for each connection: was the session there?
  public var connections: [Bool] {
    events.compactMap { if case .connected(let isPresent) = $0 { isPresent } else { nil } }
  }

  public var reasons: [String] {
    events.compactMap { if case .disconnected(let reason, _) = $0 { reason } else { nil } }
  }
}
