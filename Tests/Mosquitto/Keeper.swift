import MessageBus
import Synchronization

/// Keeps buses until a test is over: one that is let go ends its connection.
final class Keeper: Sendable {
  private let buses = Mutex<[any MessageBus]>([])

  func keep<Bus: MessageBus>(_ bus: Bus) -> Bus {
    buses.withLock { $0.append(bus) }
    return bus
  }
}
