import ClusterModel
import DaemonKit
import Glibc
import GuestAgentCore
import TestSupport
import Testing

@testable import GuestAgentServices

@Suite("The table of processes")
struct ProcessTableTests {
  private static let stat = "41 (rank 0) (x) S 1 41 41 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 8192 100"

  private static func status(caught: String = "0000000000000200", pending: String = "0", state: String = "S") -> String
  {
    """
    Name:\trank
    State:\t\(state) (some)
    SigPnd:\t0000000000000000
    ShdPnd:\t\(pending)
    SigBlk:\t0000000000000000
    SigIgn:\t0000000000000000
    SigCgt:\t\(caught)

    """
  }

  private func observe(
    environment: String = "PATH=/bin\0PSP_SIGSUSPEND=10\0", stat: String = Self.stat, status: String = Self.status(),
    signal: Int32? = nil
  ) throws -> [ObservedProcess] {
    let view = try ProcessView()
    try view.show(41, environment: environment, stat: stat, status: status)
    return try ProcessTable(root: view.path, signal: signal).observe()
  }

  private let rank = ObservedProcess(ProcessIdentity(pid: 41, startTime: 4711), signal: 10)

  @Test("A process with the variable that catches the signal is found, whatever its name")
  func found() throws {
    #expect(try observe() == [rank])
  }

  @Test(
    "The variable counts as the process's own getenv reads it",
    arguments: [
      ("PSP_SIGSUSPEND=10", true), ("PSP_SIGSUSPEND=10\0PSP_SIGSUSPEND=12\0", true),
      ("PSP_SIGSUSPEND=12\0PSP_SIGSUSPEND=10\0", false), ("", false), ("PSP_SIGSUSPEND=\0", false),
      ("PSP_SIGSUSPEND=0\0", false), ("PSP_SIGSUSPEND=65\0", false), ("PSP_SIGSUSPEND=-1\0", false),
      ("PSP_SIGSUSPEND=USR1\0", false), ("PSP_SIGSUSPEND=1x\0", false), ("PSP_SIGSUSPEND=999999999999\0", false),
      ("XPSP_SIGSUSPEND=10\0", false), ("PSP_SIGSUSPENDED=10\0", false), ("psp_sigsuspend=10\0", false),
    ])
  func variable(_ environment: String, _ isFound: Bool) throws {
    #expect(try observe(environment: environment) == (isFound ? [rank] : []))
  }

  @Test(
    "A process that the signal would kill, that has ended or shows nothing is left alone",
    arguments: [
      Self.status(caught: "0000000000000100"), Self.status(caught: "fffffffffffffdff"), Self.status(caught: "?"),
      Self.status(state: "Z"), Self.status(state: "X"), "", "SigCgt\n",
    ])
  func leftAlone(_ status: String) throws {
    #expect(try observe(status: status) == [])
  }

  @Test("A stat file that is cut short is of no process", arguments: ["", "41", "41 (a) S 1 2 3", "41 (a"])
  func shortStat(_ stat: String) throws {
    #expect(try observe(stat: stat) == [])
  }

  @Test("A signal that waits is seen")
  func pending() throws {
    #expect(try observe(status: Self.status(pending: "0000000000000200")).map(\.isSignalPending) == [true])
  }

  @Test("The highest signals are signals too")
  func realTime() throws {
    let status = Self.status(caught: "8000000000000000")
    let found = try observe(environment: "PSP_SIGSUSPEND=64\0", status: status)
    #expect(found.map(\.signal) == [64])
  }

  @Test("The configured signal goes in place of the process's own, and must be caught itself")
  func configured() throws {
    #expect(try observe(signal: 12) == [])
    #expect(try observe(status: Self.status(caught: "0000000000000800"), signal: 12).map(\.signal) == [12])
    #expect(try observe(environment: "", status: Self.status(caught: "0000000000000800"), signal: 12) == [])
  }

  @Test(
    "A program that is to be ignored is, by the name of its file",
    arguments: [
      ("/usr/bin/bash", false), ("/usr/bin/bash (deleted)", false), ("bash", false), ("/usr/bin/basher", true),
      ("/bash/rank", true), ("/", true),
    ])
  func ignored(_ program: String, _ isFound: Bool) throws {
    let view = try ProcessView()
    try view.show(
      41, environment: "PSP_SIGSUSPEND=10\0", stat: Self.stat, status: Self.status(), program: program)
    #expect(try ProcessTable(root: view.path, ignoring: ["sh", "bash"]).observe() == (isFound ? [rank] : []))
  }

  @Test("A long environment is read to its end")
  func longEnvironment() throws {
    let much = String(repeating: "X=\(String(repeating: "y", count: 1000))\0", count: 300)
    #expect(try observe(environment: much + "PSP_SIGSUSPEND=10\0") == [rank])
  }

  @Test("Where no processes are shown, that is an error and not an empty list")
  func noTable() throws {
    let failure = #expect(throws: ProcessTable.Failure.self) { try ProcessTable(root: "/nowhere").observe() }
    #expect(failure?.description.hasPrefix("/nowhere cannot be read") == true)
  }

  @Test(
    "A real process is found when it catches the signal, takes it, and is gone when it has ended",
    .requiresTogglingProcesses)
  func real() async throws {
    let view = try ProcessView()
    let table = ProcessTable(root: view.path)
    #expect(!table.boot.isEmpty)
    let process = try TogglingProcess(in: view)
    let found = try await eventually("process in the table") { try table.observe().first }
    #expect(found.identity.pid == process.pid)
    #expect(found.signal == SIGUSR1)
    let toggle = Toggle(found.identity, signal: found.signal)
    #expect(table.send(toggle).outcome == .sent)
    try await eventually("signal") { process.count == 1 }

    var other = toggle
    other.process.startTime += 1
    #expect(table.send(other).outcome == .gone, "the number belongs to another process")
    try await process.child.end(with: SIGKILL)
    #expect(try table.observe() == [])
    #expect(table.send(toggle).outcome == .gone)
    #expect(process.count == 1)
  }

  @Test("A stopped process has not taken its signal, and gets no second one", .requiresTogglingProcesses)
  func stopped() async throws {
    let view = try ProcessView()
    let table = ProcessTable(root: view.path)
    let process = try TogglingProcess(in: view)
    let found = try await eventually("process in the table") { try table.observe().first }
    let toggle = Toggle(found.identity, signal: found.signal)
    try await process.stop()
    #expect(table.send(toggle).outcome == .sent)
    #expect(try table.observe().map(\.isSignalPending) == [true])
    #expect(
      table.send(toggle).outcome == .refused("process \(process.pid) has not taken an earlier signal 10 yet"))
    process.child.signal(SIGCONT)
    try await eventually("signal") { process.count == 1 }
    #expect(try table.observe().map(\.isSignalPending) == [false])
  }

  @Test("A process that carries the variable and does not catch the signal is not found", .requiresTogglingProcesses)
  func launcher() async throws {
    let view = try ProcessView()
    let launcher = try TogglingProcess(.ignoresVariable, in: view)
    let process = try TogglingProcess(in: view)
    let found = try await eventually("process in the table") {
      let found = try ProcessTable(root: view.path).observe()
      return found.isEmpty ? nil : found
    }
    #expect(found.map(\.identity.pid) == [process.pid])
    #expect(launcher.child.isRunning)
  }

  @Test("A job's script that tidies up at its end catches the signal, and is left alone all the same")
  func script() async throws {
    let view = try ProcessView()
    let script = try TogglingProcess(.isScript, in: view)
    try await eventually("trap") { script.isReady }
    let ignored = Configuration(host: "node1").guestAgent.ignoredPrograms
    #expect(try ProcessTable(root: view.path).observe().map(\.identity.pid) == [script.pid])
    #expect(try ProcessTable(root: view.path, ignoring: ignored).observe() == [])
  }
}
