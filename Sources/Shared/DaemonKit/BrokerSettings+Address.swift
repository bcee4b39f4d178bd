public import MessageBus
public import Mosquitto

extension BrokerSettings {
  /// Where the broker is.
  public var address: BrokerAddress {
    BrokerAddress(
      host: host, port: usedPort, username: username, password: password,
      tls: tls.map { .init(caFile: $0.caFile, certificateFile: $0.certificateFile, keyFile: $0.keyFile) })
  }

  private var usedPort: Int { port ?? (tls == nil ? 1883 : 8883) }

  /// For people: "broker1:1883".
  public var location: String { "\(host):\(usedPort)" }

  /// A connection for a session; made when it is started.
  public func bus(for session: BusSession) throws(BusError) -> MosquittoBus {
    try MosquittoBus(session: session, broker: address)
  }
}
