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
  /// Takes "host", "host:port" or "[address]:port".
  public mutating func apply(_ address: String) throws(ValidationError) {
    var name = address[...]
    if let colon = address.lastIndex(of: ":"), !address[..<colon].contains(":") || address.contains("]") {
      guard let port = Int(address[address.index(after: colon)...]), (1...65535).contains(port) else {
        throw ValidationError("--broker: '\(address)' is not host[:port]")
      }
      self.port = port
      name = address[..<colon]
    }
    if name.hasPrefix("["), name.hasSuffix("]") { name = name.dropFirst().dropLast() }
    guard !name.isEmpty else { throw ValidationError("--broker: '\(address)' is not host[:port]") }
    host = String(name)
  }
}
