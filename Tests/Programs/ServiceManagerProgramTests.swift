import Foundation
import Glibc
import TestSupport
import Testing

/// The programs, as a service manager would start them: with a socket that hears them, and beats that are waited for.
@Suite("The programs and their service manager", .requiresMosquitto, .timeLimit(.minutes(10)))
struct ServiceManagerProgramTests {
  private static let programs: [(name: String, arguments: [String], awaited: String)] = [
    ("migfra-worker", ["--host", "node1", "--hypervisor-uri", "test:///default"], "the hypervisor"),
    ("migfra-coordinator", [], "what it had kept"),
    ("migfra-guest-agent", ["--vm-name", "vm1"], "the machine's processes"),
  ]

  private func start(
    _ program: String, _ arguments: [String], port: Int, _ folder: TemporaryFolder, _ ear: NotifySocket
  ) throws -> ChildProcess {
    try ChildProcess(
      "/usr/bin/env",
      [
        "NOTIFY_SOCKET=\(ear.name)", "WATCHDOG_USEC=400000", "\(Programs.folder)/\(program)", "--broker",
        "127.0.0.1:\(port)", "--state-directory", folder.file("state"),
      ] + arguments, output: folder.file("log"))
  }

  @Test(
    "READY comes with the broker, then beats; none while the program stands still; STOPPING at its end",
    arguments: 0..<3, [true, false])
  func course(_ index: Int, isAbstract: Bool) async throws {
    let (program, arguments, awaited) = Self.programs[index]
    let folder = try TemporaryFolder()
    let ear = try NotifySocket(isAbstract ? "@migfra-test-\(UUID().uuidString)" : folder.file("notify"))
    // The broker comes later than the program.
    let broker = try Broker()
    let child = try start(program, arguments, port: broker.port, folder, ear)
    try await eventually("word of what it waits for") {
      ear.messages.contains { $0.hasPrefix("STATUS=waiting for the broker") }
    }
    try await eventually("beats before it is ready") { ear.messages.count { $0 == "WATCHDOG=1" } > 2 }
    #expect(!ear.messages.contains { $0.contains("READY") })
    try await broker.start()
    try await eventually("READY") { ear.messages.contains("READY=1\nSTATUS=at work") }
    #expect(ear.messages.contains { $0.contains(awaited) }, "\(ear.messages)")

    child.signal(SIGSTOP)
    let frozen = try await eventually("silence") { try await silence(of: ear) }
    child.signal(SIGCONT)
    try await eventually("beats again") { ear.messages.count > frozen + 2 }

    try await child.end(with: SIGTERM)
    #expect(child.exitCode == 0, "\(folder.read("log"))")
    let messages = ear.messages
    #expect(messages.count { $0.hasPrefix("READY") } == 1)
    #expect(messages.last?.hasPrefix("STOPPING=1\nSTATUS=stopping; ") == true, "\(messages.suffix(3))")
  }

  /// How many messages there are, if none has come for five beats' time.
  private func silence(of ear: NotifySocket) async throws -> Int? {
    let before = ear.messages.count
    try await Task.sleep(for: .seconds(1))
    return ear.messages.count == before ? before : nil
  }

  @Test("A loop that hangs gives no beat, though the program lives and its other threads go on")
  func hungLoop() async throws {
    let broker = try await Broker.running()
    let folder = try TemporaryFolder()
    let ear = try NotifySocket(folder.file("notify"))
    let processes = folder.file("proc")
    try FileManager.default.createDirectory(atPath: "\(processes)/1", withIntermediateDirectories: true)
    let agent = try start(
      "migfra-guest-agent", ["--vm-name", "vm1", "--proc", processes], port: broker.port, folder, ear)
    try await eventually("READY") { ear.messages.contains("READY=1\nSTATUS=at work") }
    // A process whose environment does not come: whoever opens this to read waits for somebody to write.
    let environment = "\(processes)/1/environ"
    #expect(unsafe mkfifo(environment, 0o600) == 0)
    let before = try await eventually("silence") { try await silence(of: ear) }
    #expect(agent.isRunning)
    // The bus has a thread of its own.
    try await broker.stop()
    try await eventually("word of the broker's end") { folder.read("log").contains("no connection to the broker") }
    #expect(ear.messages.count == before)
    let writer = unsafe open(environment, O_WRONLY)
    try FileManager.default.removeItem(atPath: environment)
    close(writer)
    try await eventually("beats again") { ear.messages.count > before + 2 }
    try await agent.end(with: SIGTERM)
  }

  @Test("One that nobody waits for says nothing about it")
  func alone() async throws {
    let broker = try await Broker.running()
    let folder = try TemporaryFolder()
    let child = try Programs.start(
      "migfra-coordinator", ["--broker", "127.0.0.1:\(broker.port)", "--state-directory", folder.file("state")],
      output: folder.file("log"))
    try await eventually("connection") { folder.read("log").contains("connected to the broker") }
    try await child.end(with: SIGTERM)
    #expect(child.exitCode == 0 && !folder.read("log").contains("service manager"), "\(folder.read("log"))")
  }
}
