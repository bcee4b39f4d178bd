import Foundation
public import Mosquitto

/// A real mosquitto with the configuration, the rights and the keys of a real cluster: the shipped files, with other
/// paths and ports. A further listener lets everybody do everything, for witnesses.
public final class GuardedBroker: Sendable {
  /// Who has a key: the folders that `make-keys` makes.
  public enum Role: String, Sendable, CaseIterable {
    case host, guest, coordinator, scheduler, `operator`

    fileprivate var listener: Int {
      switch self {
      case .host: 8883
      case .guest: 8884
      case .coordinator, .scheduler, .operator: 8885
      }
    }
  }

  /// Somebody with a key.
  public struct Client: Sendable, Hashable, CustomStringConvertible {
    public var role: Role
    public var name: String

    public init(_ role: Role, _ name: String) {
      self.role = role
      self.name = name
    }

    public var description: String { "\(role) \(name)" }
  }

  private static let shipped = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "docker/mosquitto").path
  private static let makeKeys = "\(shipped)/make-keys"

  public let folder: TemporaryFolder
  private let broker: Broker
  private let ports: [Int: Int]

  /// Makes the keys and starts the broker.
  public init(keys clients: [Client]) async throws {
    folder = try TemporaryFolder("guarded")
    ports = [8883: try Loopback.freePort(), 8884: try Loopback.freePort(), 8885: try Loopback.freePort()]
    try FileManager.default.createDirectory(atPath: folder.file("data"), withIntermediateDirectories: true)
    _ = try await Self.makeKeys(in: folder, ["broker", "localhost", "127.0.0.1"])
    for client in clients { _ = try await Self.makeKey(in: folder, for: client) }
    var text = try String(contentsOfFile: "\(Self.shipped)/mosquitto.conf", encoding: .utf8)
    for (path, place) in [
      ("/mosquitto/config/broker/", folder.file("keys/broker/")),
      ("/mosquitto/config/rights/", "\(Self.shipped)/rights/"),
      ("/mosquitto/data/", folder.file("data/")),
    ] {
      text = text.replacing(path, with: place)
    }
    for (port, own) in ports { text = text.replacing("\nlistener \(port)\n", with: "\nlistener \(own) 127.0.0.1\n") }
    var options = Broker.Options()
    options.firstLines = [text]
    broker = try await Broker.running(options)
  }

  /// The port at which a role is at home.
  public func port(of role: Role) -> Int { ports[role.listener] ?? 0 }

  public func keyFolder(of client: Client) -> String { folder.file("keys/\(client.role.rawValue)s/\(client.name)") }

  /// - Parameter role: at whose listener; nil: at the client's own.
  public func address(of client: Client, at role: Role? = nil) -> BrokerAddress {
    let keys = keyFolder(of: client)
    return BrokerAddress(
      host: "localhost", port: port(of: role ?? client.role),
      tls: .init(caFile: "\(keys)/ca.pem", certificateFile: "\(keys)/cert.pem", keyFile: "\(keys)/key.pem"))
  }

  /// The two sections of a program's configuration that bring it here.
  public func configuration(of client: Client) -> String {
    let keys = keyFolder(of: client)
    return """
      communicator: {host: localhost, port: \(port(of: client.role))}
      tls: {ca-file: \(keys)/ca.pem, certificate-file: \(keys)/cert.pem, key-file: \(keys)/key.pem}

      """
  }

  /// Where nothing is forbidden.
  public var witness: BrokerAddress { broker.address }

  public var log: String { broker.log }

  /// The same in this broker's folder.
  public func makeKeys(_ arguments: String...) async throws -> Programs.Output {
    try await Self.makeKeys(in: folder, arguments)
  }

  public func makeKey(for client: Client) async throws -> Programs.Output {
    try await Self.makeKey(in: folder, for: client)
  }

  /// Ends it in good order and starts it again with what it has kept.
  public func restart() async throws {
    try await broker.stop()
    try await broker.start()
  }

  private static func makeKey(in folder: TemporaryFolder, for client: Client) async throws -> Programs.Output {
    let names = client.role == .coordinator ? [] : [client.name]
    return try await makeKeys(in: folder, [client.role.rawValue] + names)
  }

  /// Runs the script that makes keys; they are in `folder`/keys.
  public static func makeKeys(in folder: TemporaryFolder, _ arguments: [String]) async throws -> Programs.Output {
    let scratch = try TemporaryFolder()
    let child = try ChildProcess(
      "/usr/bin/env", ["KEYS=\(folder.file("keys"))", makeKeys] + arguments, output: scratch.file("output"))
    return Programs.Output(status: try await child.wait(), text: scratch.read("output"))
  }
}
