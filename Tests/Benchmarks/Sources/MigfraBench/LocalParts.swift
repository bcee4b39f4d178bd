import Foundation
import Mosquitto

/// A broker of this benchmark's own, and a folder for it and the programs that are measured.
final class LocalBroker {
  let folder: URL
  let address: BrokerAddress
  let process: Process

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "migfra-bench-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let port = Int.random(in: 20_000..<30_000)
    address = BrokerAddress(host: "127.0.0.1", port: port)
    // The limits are those of docker/mosquitto/mosquitto.conf.
    let configuration = """
      listener \(port) 127.0.0.1
      allow_anonymous true
      set_tcp_nodelay true
      max_queued_messages 100000
      max_queued_bytes 67108864
      max_inflight_messages 200
      log_dest none

      """
    try configuration.write(to: folder.appending(path: "broker.conf"), atomically: true, encoding: .utf8)
    process = try Process.started("/usr/sbin/mosquitto", ["-c", folder.appending(path: "broker.conf").path])
  }

  func end() {
    // Not SIGTERM: a child of a Swift program inherits blocked signals, and mosquitto would never hear it.
    kill(process.processIdentifier, SIGKILL)
    try? FileManager.default.removeItem(at: folder)  // the system's folder for such things
  }
}

extension Process {
  static func started(_ program: String, _ arguments: [String]) throws -> Process {
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.standardError
    try process.run()
    return process
  }

  /// Processor time so far, seconds.
  func processorSeconds() throws -> Double {
    let text = try String(contentsOfFile: "/proc/\(processIdentifier)/stat", encoding: .utf8)
    // The second field is a name in brackets and may have blanks.
    let fields = text[text.index(after: text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
    return Double((Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0)) / Double(sysconf(Int32(_SC_CLK_TCK)))
  }

  /// Resident memory, MiB.
  func residentMiB() throws -> Int {
    let text = try String(contentsOfFile: "/proc/\(processIdentifier)/statm", encoding: .utf8)
    return (Int(text.split(separator: " ")[1]) ?? 0) * sysconf(Int32(_SC_PAGESIZE)) / (1 << 20)
  }
}
