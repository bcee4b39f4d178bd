public import ArgumentParser
import ClusterModel

/// The options that every program has; each overrides its key of the configuration file.
public struct ProgramOptions: ParsableArguments {
  @Option(
    name: [.customShort("c"), .customLong("config")],
    help: ArgumentHelp(
      "The configuration file.",
      discussion: "Without it ./migfra.conf, else /etc/migfra/migfra.conf, else the defaults.", valueName: "file"))
  var file: String?

  @Option(help: ArgumentHelp("The MQTT broker.", valueName: "host[:port]"))
  var broker: String?

  @Option(help: ArgumentHelp("How much is logged: trace, debug, info, notice, warning, error.", valueName: "level"))
  var logLevel: String?

  public init() {}

  /// Whether another source may name the broker.
  public var namesNoBroker: Bool { broker == nil }

  /// The configuration with these options applied, and where it came from.
  public func configuration() throws -> (Configuration, source: String) {
    var (configuration, source) = try ConfigurationFile.load(file)
    if let broker { try configuration.broker.apply(broker) }
    if let logLevel {
      guard let level = LogLevel(rawValue: logLevel) else {
        throw ValidationError(
          "--log-level: '\(logLevel)' is none of \(LogLevel.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      configuration.logLevel = level
    }
    return (configuration, source)
  }
}

extension BrokerSettings {
  /// Takes "host", "host:port", "[address]:port", or an IPv6 address without a port. What it leaves open stays.
  public mutating func apply(_ address: String) throws(ValidationError) {
    guard let (host, port) = Self.split(address) else {
      throw ValidationError("--broker: '\(address)' is not host[:port]")
    }
    self.host = host
    self.port = port ?? self.port
  }

  /// nil: it has not that form.
  private static func split(_ address: String) -> (host: String, port: Int?)? {
    var host = address[...]
    var port: Substring?
    if address.hasPrefix("[") {
      guard let end = address.firstIndex(of: "]") else { return nil }
      host = address[..<end].dropFirst()
      guard host.contains(":") else { return nil }
      port = address[end...].dropFirst()
      if port?.isEmpty == true { port = nil } else if port?.popFirst() != ":" { return nil }
    } else if let colon = address.firstIndex(of: ":"), colon == address.lastIndex(of: ":") {
      host = address[..<colon]
      port = address[colon...].dropFirst()
    }
    guard isHost(String(host)) else { return nil }
    guard let port else { return (String(host), nil) }
    guard port.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(port), (1...65535).contains(number)
    else { return nil }
    return (String(host), number)
  }
}
