/// One message on the bus: MQTT's terms, nobody's C types.
public struct BusMessage: Sendable, Equatable {
  /// How hard the bus tries. Our own programs use `atLeastOnce` for everything that matters: with an idempotent
  /// receiver that journals inside the callback it loses less than `exactlyOnce`, and costs half.
  public enum Quality: Int, Sendable {
    case atMostOnce = 0
    case atLeastOnce = 1
    case exactlyOnce = 2
  }

  public var topic: String
  public var payload: [UInt8]
  public var quality: Quality
  /// On a message to publish: the broker keeps it for late subscribers. On a received one: it is such a kept message.
  public var isRetained: Bool
  /// Where the sender wants the answer (MQTT v5); nil: the receiver's usual topic.
  public var responseTopic: String?
  /// What the answer must carry back unchanged (MQTT v5).
  public var correlationData: [UInt8]?
  /// How long the message is worth delivering (MQTT v5, whole seconds); nil: for ever.
  public var expiry: Duration?

  public init(
    topic: String, payload: [UInt8], quality: Quality = .atLeastOnce, isRetained: Bool = false,
    responseTopic: String? = nil, correlationData: [UInt8]? = nil, expiry: Duration? = nil
  ) {
    self.topic = topic
    self.payload = payload
    self.quality = quality
    self.isRetained = isRetained
    self.responseTopic = responseTopic
    self.correlationData = correlationData
    self.expiry = expiry
  }
}
