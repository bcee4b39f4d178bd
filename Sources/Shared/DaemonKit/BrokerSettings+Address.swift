import ClusterModel
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

  /// Whether a text is a host's name, an IPv4 address, or an IPv6 address with or without a zone.
  static func isHost(_ text: String) -> Bool {
    guard text.contains(":") else { return HostName(rawValue: text).isValid }
    let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
    return parts[0].utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x3A, 0x41...0x46, 0x61...0x66, 0x2E: true
      default: false
      }
    } && (parts.count == 1 || HostName(rawValue: String(parts[1])).isValid)
  }
}
