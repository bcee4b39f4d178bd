import CMosquitto
import Glibc
import MessageBus

/// One client of libmosquitto: its functions without their pointers. Knows nothing of retries, waiters or events.
///
/// `publish` and `subscribe` may be called from any thread, everything else only from the loop's.
@safe final class ClientHandle: Sendable {
  /// libmosquitto locks inside; with `mosquitto_threaded_set` publish and subscribe only queue a packet.
  private nonisolated(unsafe) let handle: OpaquePointer
  private let address: BrokerAddress
  private let keepAlive: Int32

  private static let isLibraryReady = mosquitto_lib_init() == MOSQ_ERR_SUCCESS.rawValue

  init(session: BusSession, broker: BrokerAddress) throws(BusError) {
    let what = "client '\(session.clientID)'"
    guard Self.isLibraryReady else { throw BusError(.failed, "\(what): libmosquitto does not start") }
    guard !session.clientID.isEmpty, !session.clientID.utf8.contains(0) else {
      throw BusError(.invalid, "\(what): the client id must not be empty or contain NUL")
    }
    guard (1...65535).contains(broker.port) else {
      throw BusError(.invalid, "\(what): \(broker.port) is not a TCP port")
    }
    guard !broker.host.isEmpty else { throw BusError(.invalid, "\(what): the broker's host is empty") }
    // Session expiry zero: nothing is kept, so nothing old is wanted either.
    guard let handle = unsafe mosquitto_new(session.clientID, session.expiry <= .zero, nil) else {
      throw BusError(.invalid, "\(what): mosquitto_new: \(Words.system(errno))")
    }
    unsafe self.handle = handle
    address = broker
    keepAlive = Int32(clamping: min(max(session.keepAlive.mqttSeconds, 5), 65535))
    // From here on deinit frees the handle, also when something below throws.
    try unsafe check(mosquitto_threaded_set(handle, true), "\(what): mosquitto_threaded_set")
    try unsafe check(
      mosquitto_int_option(handle, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5), "\(what): MQTT v5")
    // Without it each PUBACK that is followed by a PUBLISH costs 40 ms.
    try unsafe check(mosquitto_int_option(handle, MOSQ_OPT_TCP_NODELAY, 1), "\(what): TCP_NODELAY")
    if let username = broker.username {
      try unsafe check(
        mosquitto_username_pw_set(handle, username, broker.password), "\(what): user name and password")
    }
    if let tls = broker.tls { try set(tls, what) }
    if let will = session.will { try set(will, delay: session.willDelay, what) }
    try setConnectProperties(expiry: session.expiry, what)
  }

  deinit {
    unsafe mosquitto_destroy(handle)
  }

  private func check(_ status: Int32, _ what: String, _ code: BusError.Code = .invalid) throws(BusError) {
    guard status == MOSQ_ERR_SUCCESS.rawValue else {
      throw BusError(code, "\(what): \(Words.library(status, systemError: errno))")
    }
  }

  private func set(_ tls: BrokerAddress.TLS, _ what: String) throws(BusError) {
    for file in [tls.caFile, tls.certificateFile, tls.keyFile].compactMap(\.self) {
      // The library says only "invalid".
      guard unsafe access(file, R_OK) == 0 else {
        throw BusError(.invalid, "\(what): TLS file \(file): \(Words.system(errno))")
      }
    }
    guard (tls.certificateFile == nil) == (tls.keyFile == nil) else {
      throw BusError(.invalid, "\(what): TLS needs both a certificate and its key, or neither")
    }
    // Without the callback OpenSSL would ask the terminal for a passphrase and wait.
    let status = unsafe mosquitto_tls_set(
      handle, tls.caFile, nil, tls.certificateFile, tls.keyFile, { @Sendable _, _, _, _ in 0 })
    try check(status, "\(what): TLS files")
    try unsafe check(mosquitto_tls_insecure_set(handle, !tls.verifyHostname), "\(what): TLS")
  }

  private func set(_ will: BusMessage, delay: Duration, _ what: String) throws(BusError) {
    guard !will.topic.utf8.contains(0) else { throw BusError(.invalid, "\(what): the will's topic contains NUL") }
    var properties = try PropertyList(of: will)
    if delay > .zero {
      try check(properties.add(MQTT_PROP_WILL_DELAY_INTERVAL, delay.mqttSeconds), "\(what): will delay")
    }
    let status = unsafe will.payload.withUnsafeBytes {
      unsafe mosquitto_will_set_v5(
        handle, will.topic, Int32($0.count), $0.isEmpty ? nil : $0.baseAddress, Int32(will.quality.rawValue),
        will.isRetained, properties.head)
    }
    // On failure the list stays ours and is freed.
    try check(status, "\(what): will on \(will.topic)")
    properties.handedOver()
  }

  /// There is no asynchronous connect for MQTT v5. The blocking one keeps the properties for all later connections
  /// before it looks at the host; without a host it does nothing more.
  private func setConnectProperties(expiry: Duration, _ what: String) throws(BusError) {
    guard expiry > .zero else { return }
    var properties = PropertyList()
    try check(properties.add(MQTT_PROP_SESSION_EXPIRY_INTERVAL, expiry.mqttSeconds), "\(what): session expiry")
    let status = unsafe mosquitto_connect_bind_v5(handle, nil, Int32(address.port), keepAlive, nil, properties.head)
    guard status == MOSQ_ERR_INVAL.rawValue else {
      throw BusError(.failed, "\(what): session expiry: \(Words.library(status))")
    }
  }

  // MARK: Any thread

  /// `mosquitto_publish_v5`. With quality 1 and above `MOSQ_ERR_NO_CONN` means that the library has queued it.
  func publish(_ message: BusMessage, _ properties: borrowing PropertyList) -> (status: Int32, id: Int32) {
    var id: Int32 = 0
    let status = unsafe message.payload.withUnsafeBytes {
      unsafe mosquitto_publish_v5(
        handle, &id, message.topic, Int32($0.count), $0.baseAddress, Int32(message.quality.rawValue),
        message.isRetained, properties.head)
    }
    return (status, id)
  }

  /// `mosquitto_subscribe_multiple` at quality 1: a message published with 2 arrives with 1, because libmosquitto
  /// acknowledges quality 2 before we have seen the message.
  func subscribe(to filters: [TopicFilter]) -> (status: Int32, id: Int32) {
    var id: Int32 = 0
    var names = unsafe filters.map { unsafe strdup($0.description) }
    defer { unsafe names.forEach { unsafe free($0) } }
    let status = unsafe mosquitto_subscribe_multiple(handle, &id, Int32(names.count), &names, 1, 0, nil)
    return (status, id)
  }

  // MARK: The loop's thread

  /// `mosquitto_connect_bind_async`: starts a connection to the host's first address of the family that
  /// `localAddress` ("0.0.0.0", "::") belongs to, or of any.
  func connect(from localAddress: String?) -> Int32 {
    unsafe mosquitto_string_option(handle, MOSQ_OPT_BIND_ADDRESS, localAddress)
    let status = unsafe mosquitto_connect_bind_async(handle, address.host, Int32(address.port), keepAlive, nil)
    // A child process that inherits the socket would keep the connection, and the will, from ending.
    if socket >= 0 { _ = fcntl(socket, F_SETFD, FD_CLOEXEC) }
    return status
  }

  /// Queues a DISCONNECT: a normal farewell, no will.
  func disconnect() -> Int32 { unsafe mosquitto_disconnect_v5(handle, 0, nil) }

  /// -1 when not connected.
  var socket: Int32 { unsafe mosquitto_socket(handle) }
  var wantsToWrite: Bool { unsafe mosquitto_want_write(handle) }
  func read() -> Int32 { unsafe mosquitto_loop_read(handle, 1) }
  func write() -> Int32 { unsafe mosquitto_loop_write(handle, 1) }
  /// Pings and times out.
  func keepUp() -> Int32 { unsafe mosquitto_loop_misc(handle) }

  /// Ends the connection as a crash of this program would: without a word.
  func cut() {
    if socket >= 0 { shutdown(socket, Int32(SHUT_RDWR)) }
  }

  /// Directs the library's callbacks to `loop`, which must live until the last call from its thread has returned.
  func direct(to loop: Loop) {
    unsafe mosquitto_user_data_set(handle, Unmanaged.passUnretained(loop).toOpaque())
    unsafe Callbacks.set(on: handle)
  }
}
