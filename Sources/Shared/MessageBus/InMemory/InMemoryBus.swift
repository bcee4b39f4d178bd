/// A client of an `InMemoryBroker`: the other implementation of `MessageBus`.
public final class InMemoryBus: MessageBus {
  private let number: Int
  private let broker: InMemoryBroker

  init(number: Int, broker: InMemoryBroker) {
    self.number = number
    self.broker = broker
  }

  public func start(_ handler: @escaping @Sendable (BusEvent) -> Void) throws(BusError) {
    try broker.perform { [number] state throws(BusError) in try state.start(number, handler) }
  }

  @discardableResult
  public func publish(_ message: BusMessage) async throws(BusError) -> Delivery {
    let waiter = Promise<Result<Delivery, BusError>>()
    try broker.perform { [number] state throws(BusError) in try state.publish(message, from: number, waiter) }
    return try await waiter.outcome(
      orWhenCancelled: BusError(.cancelled, "publish to \(message.topic): cancelled while it waited for the broker"))
  }

  public func subscribe(to filters: [TopicFilter]) async throws(BusError) {
    let waiter = Promise<Result<Delivery, BusError>>()
    try broker.perform { [number] state throws(BusError) in try state.subscribe(number, to: filters, waiter) }
    _ = try await waiter.outcome(
      orWhenCancelled: BusError(.cancelled, "subscribe: cancelled while it waited for the broker"))
  }

  public func close(farewell: BusMessage?) async {
    broker.perform { [number] state in state.close(number, farewell: farewell) }
  }

  /// How many messages wait for the broker.
  public var backlog: Int { broker.perform { [number] state in state.backlog(of: number) } }

  // MARK: Faults

  /// Loses the connection until `reconnect`; the broker notices at once, and the will's delay begins.
  public func cut() { broker.perform { [number] state in state.cut(number) } }

  /// Connects again after `cut`.
  public func reconnect() { broker.perform { [number] state in state.reconnect(number) } }

  /// Dies: no farewell, no further event, ever. A message whose handler is running is not acknowledged. The program's
  /// next life is another bus with the same client id.
  public func crash() { broker.perform { [number] state in state.crash(number) } }
}
