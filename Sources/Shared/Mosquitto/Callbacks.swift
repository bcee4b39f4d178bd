import CMosquitto
import Glibc
import MessageBus

/// libmosquitto's callbacks: they copy out of C what they are given, and hand it to the `Loop` that is the user data.
///
/// All run on the loop's thread, inside `read`, `write` or `keepUp`. They must not call those again.
enum Callbacks {
  static func set(on handle: OpaquePointer) {
    unsafe mosquitto_connect_v5_callback_set(handle) { @Sendable _, user, reason, flags, _ in
      unsafe loop(user)?.accepted(reason: reason, sessionPresent: flags & 1 != 0)
    }
    unsafe mosquitto_disconnect_v5_callback_set(handle) { @Sendable _, user, status, _ in
      let systemError = errno
      unsafe loop(user)?.disconnected(status: status, systemError: systemError)
    }
    unsafe mosquitto_publish_v5_callback_set(handle) { @Sendable _, user, id, reason, _ in
      unsafe loop(user)?.acknowledged(id: id, reason: reason)
    }
    unsafe mosquitto_subscribe_v5_callback_set(handle) { @Sendable _, user, id, count, codes, _ in
      let codes = unsafe Array(UnsafeBufferPointer(start: codes, count: Int(count)))
      unsafe loop(user)?.subscribed(id: id, codes: codes)
    }
    unsafe mosquitto_message_v5_callback_set(handle) { @Sendable _, user, message, properties in
      guard let receiver = unsafe loop(user), let message = unsafe message else { return }
      unsafe receiver.arrived(BusMessage(copying: message.pointee, properties))
    }
    unsafe mosquitto_log_callback_set(handle) { @Sendable _, user, level, text in
      guard level == Int32(MOSQ_LOG_ERR), let text = unsafe text else { return }
      unsafe loop(user)?.complained(String(cString: text))
    }
  }
}

/// Not a member: a C callback cannot capture `Self`.
private func loop(_ user: UnsafeMutableRawPointer?) -> Loop? {
  unsafe user.map { unsafe Unmanaged<Loop>.fromOpaque($0).takeUnretainedValue() }
}

extension BusMessage {
  fileprivate init(copying message: mosquitto_message, _ properties: OpaquePointer?) {
    let payload = unsafe UnsafeRawBufferPointer(start: message.payload, count: Int(message.payloadlen))
    self.init(
      // Both sides have checked that it is UTF-8.
      topic: unsafe message.topic.map { unsafe String(cString: $0) } ?? "",
      payload: unsafe Array(payload),
      quality: unsafe Quality(rawValue: Int(message.qos)) ?? .atLeastOnce,
      isRetained: unsafe message.retain)
    guard let properties = unsafe properties else { return }
    var text: UnsafeMutablePointer<CChar>?
    unsafe mosquitto_property_read_string(
      properties, Int32(MQTT_PROP_RESPONSE_TOPIC.rawValue), &text, false)
    if let copy = unsafe text {
      responseTopic = unsafe String(cString: copy)
      unsafe free(copy)
    }
    var data: UnsafeMutableRawPointer?
    var count: UInt16 = 0
    let found = unsafe mosquitto_property_read_binary(
      properties, Int32(MQTT_PROP_CORRELATION_DATA.rawValue), &data, &count, false)
    if unsafe found != nil {
      // Empty data is a null pointer.
      correlationData = unsafe Array(UnsafeRawBufferPointer(start: data, count: data == nil ? 0 : Int(count)))
      unsafe free(data)
    }
    var seconds: UInt32 = 0
    let hasExpiry = unsafe mosquitto_property_read_int32(
      properties, Int32(MQTT_PROP_MESSAGE_EXPIRY_INTERVAL.rawValue), &seconds, false)
    if unsafe hasExpiry != nil { expiry = .seconds(Int64(seconds)) }
  }
}
