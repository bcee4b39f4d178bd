import MessageBus
import Mosquitto

/// A client that sends one thing and waits for one.
final class Caller: Sendable {
  let bus: MosquittoBus
  let messages: AsyncStream<BusMessage>

  /// Returns when the subscriptions stand.
  init(_ name: String, _ topics: [String], _ address: BrokerAddress) async throws {
    bus = try MosquittoBus(
      session: BusSession(
        clientID: "bench-\(name)", subscriptions: topics.map { TopicFilter($0) }, expiry: .zero), broker: address)
    let (messages, feed) = AsyncStream.makeStream(of: BusMessage.self)
    let (connections, connected) = AsyncStream.makeStream(of: Void.self)
    self.messages = messages
    try bus.start { event in
      switch event {
      case .message(let message): feed.yield(message)
      case .connected: connected.yield()
      case .disconnected, .takenOver: break
      }
    }
    for await _ in connections { break }
  }

  func awaitMessage(on topic: String) async throws {
    for await message in messages where message.topic == topic { return }
    throw CancellationError()
  }

  /// Publishes, and returns how long the answer took to come.
  func ask(_ topic: String, _ text: String) async throws -> Duration {
    try await exchange(topic, text).duration
  }

  /// Publishes, and returns how long the answer took to come, and what it is.
  func exchange(_ topic: String, _ text: String) async throws -> (duration: Duration, answer: String) {
    let clock = ContinuousClock()
    let began = clock.now
    try await bus.publish(BusMessage(topic: topic, payload: Array(text.utf8)))
    // The worker also reports each change on its state topic.
    for await message in messages where !message.topic.hasSuffix("/state") {
      return (clock.now - began, String(decoding: message.payload, as: UTF8.self))
    }
    throw CancellationError()
  }
}
