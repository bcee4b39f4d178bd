import CMosquitto
import MessageBus

/// A list of MQTT v5 properties on its way to the library, freed unless handed over.
@safe struct PropertyList: ~Copyable {
  private(set) var head: OpaquePointer?

  init() {}

  deinit {
    var head = unsafe head
    unsafe mosquitto_property_free_all(&head)
  }

  /// The properties of a message to publish or of a will.
  init(of message: BusMessage) throws(BusError) {
    if let topic = message.responseTopic {
      try unsafe Self.check(
        mosquitto_property_add_string(&head, Int32(MQTT_PROP_RESPONSE_TOPIC.rawValue), topic), message)
    }
    if let data = message.correlationData {
      guard let count = UInt16(exactly: data.count) else {
        throw BusError(.invalid, "publish to \(message.topic): correlation data is longer than 65535 bytes")
      }
      let status = unsafe data.withUnsafeBytes {
        unsafe mosquitto_property_add_binary(
          &head, Int32(MQTT_PROP_CORRELATION_DATA.rawValue), $0.baseAddress, count)
      }
      try Self.check(status, message)
    }
    if let expiry = message.expiry {
      // The broker takes 0 for "never", the opposite of what is meant.
      let seconds = max(1, expiry.mqttSeconds)
      try unsafe Self.check(
        mosquitto_property_add_int32(&head, Int32(MQTT_PROP_MESSAGE_EXPIRY_INTERVAL.rawValue), seconds), message)
    }
  }

  /// `mosquitto_property_add_int32`.
  mutating func add(_ id: mqtt5_property, _ value: UInt32) -> Int32 {
    unsafe mosquitto_property_add_int32(&head, Int32(id.rawValue), value)
  }

  /// Gives the list away to a function of the library that has taken it over.
  consuming func handedOver() {
    discard self
  }

  private static func check(_ status: Int32, _ message: BusMessage) throws(BusError) {
    guard status == MOSQ_ERR_SUCCESS.rawValue else {
      throw BusError(.invalid, "publish to \(message.topic): MQTT properties: \(Words.library(status))")
    }
  }
}

extension Duration {
  /// Whole seconds as MQTT has them: rounded up, from 0 to 2^32 - 1 (which stands for "for ever").
  var mqttSeconds: UInt32 {
    let (seconds, attoseconds) = components
    return UInt32(clamping: attoseconds > 0 ? seconds + 1 : seconds)
  }
}
