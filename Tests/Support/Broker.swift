import Foundation
import Glibc
public import Mosquitto
import Synchronization
public import Testing

/// A real mosquitto on 127.0.0.1 with a port, a configuration and a folder of its own.
///
/// It can be stopped, killed and started again on the same port. The process ends and the folder goes with the last
/// reference, if the test has not done so.
public final class Broker: Sendable {
  public struct Options: Sendable {
    /// Keeps sessions, queues and retained messages over a restart; written after every change.
    public var isPersistent = false
    /// The broker's limit per client (`max_queued_messages`).
    public var maxQueuedMessages: Int?
    /// User names and passwords; nil: everybody is welcome.
    public var passwords: [String: String]?
    /// PEM files for a listener with TLS; nil: plain TCP.
    public var tls: (caFile: String, certificateFile: String, keyFile: String)?
    /// What stands in mosquitto.conf before its own listener.
    public var firstLines: [String] = []
    /// Further lines of mosquitto.conf.
    public var lines: [String] = []

    public init() {}
  }

  public static let executable = "/usr/sbin/mosquitto"
  /// Whether this machine has the program.
  public static var isAvailable: Bool { unsafe access(executable, X_OK) == 0 }

  /// The plugin that can forbid subscriptions; nil where it is not installed.
  public static var dynamicSecurity: String? {
    let folders = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib")) ?? []
    return folders.map { "/usr/lib/\($0)/mosquitto_dynamic_security.so" }
      .first { FileManager.default.fileExists(atPath: $0) }
  }

  public let port: Int
  private let folder: TemporaryFolder
  private let process = Mutex<ChildProcess?>(nil)

  /// Prepares a broker; `start` makes it run.
  public init(_ options: Options = Options()) throws {
    folder = try TemporaryFolder("mosquitto")
    port = try Loopback.freePort()
    try setPasswords(options.passwords ?? [:])
    var lines = options.firstLines
    lines += [
      "listener \(port) 127.0.0.1", "allow_anonymous \(options.passwords == nil)", "set_tcp_nodelay true",
      // Started by root it would otherwise become another user, who may not write here.
      "user \(geteuid() == 0 ? "root" : "mosquitto")",
      "log_dest file \(folder.file("log"))", "log_type all", "connection_messages true",
    ]
    if options.passwords != nil { lines.append("password_file \(folder.file("passwords"))") }
    if options.isPersistent {
      lines += [
        "persistence true", "persistence_location \(folder.path)/", "autosave_interval 1",
        "autosave_on_changes true",
      ]
    }
    if let limit = options.maxQueuedMessages { lines.append("max_queued_messages \(limit)") }
    if let tls = options.tls {
      lines += ["cafile \(tls.caFile)", "certfile \(tls.certificateFile)", "keyfile \(tls.keyFile)"]
    }
    lines += options.lines
    try folder.write(lines.joined(separator: "\n") + "\n", to: "mosquitto.conf")
  }

  /// The process ends before its folder goes: it would write into what is being removed.
  deinit {
    process.withLock { $0 = nil }
  }

  /// Prepares and starts a broker; keep it in a variable, it ends with the last reference.
  public static func running(_ options: Options = Options()) async throws -> Broker {
    let broker = try Broker(options)
    try await broker.start()
    return broker
  }

  /// Where clients find it.
  public var address: BrokerAddress { BrokerAddress(host: "127.0.0.1", port: port) }

  /// What it has written so far.
  public var log: String { folder.read("log") }

  /// Starts it, also again; returns when it accepts connections.
  public func start() async throws {
    let child = try ChildProcess(
      Self.executable, ["-c", folder.file("mosquitto.conf")], output: folder.file("output"))
    process.withLock { $0 = child }
    try await eventually("answer of mosquitto on port \(port)") {
      guard child.isRunning else {
        throw ChildError(
          description: "mosquitto has ended with \(child.exitCode ?? -1): \(folder.read("output")) \(log)")
      }
      return Loopback.accepts(port: port)
    }
  }

  /// Ends it as an administrator would (SIGTERM: persistent state is written).
  public func stop() async throws { try await end(with: SIGTERM) }

  /// Ends it as a power failure would (SIGKILL).
  public func kill() async throws { try await end(with: SIGKILL) }

  private func end(with signal: Int32) async throws {
    let child = process.withLock { process in
      defer { process = nil }
      return process
    }
    try await child?.end(with: signal)
  }

  /// Lets these users in from now on; a running broker takes note within a moment.
  public func setPasswords(_ passwords: [String: String]) throws {
    try folder.write(passwords.map { "\($0.key):\($0.value)\n" }.joined(), to: "passwords")
    if !passwords.isEmpty {
      // Encrypts the file in place.
      let tool = try ChildProcess("/usr/bin/mosquitto_passwd", ["-U", folder.file("passwords")])
      while tool.isRunning { usleep(1000) }
    }
    process.withLock { $0 }?.signal(SIGHUP)
  }
}

extension Trait where Self == ConditionTrait {
  /// Skips where mosquitto is not installed, and says so.
  public static var requiresMosquitto: Self {
    .enabled(if: Broker.isAvailable, "needs \(Broker.executable) (apt install mosquitto)")
  }

  /// Skips where mosquitto has no plugin for dynamic security, and says so.
  public static var requiresDynamicSecurity: Self {
    .enabled(if: Broker.dynamicSecurity != nil, "needs mosquitto_dynamic_security.so (apt install mosquitto)")
  }
}
