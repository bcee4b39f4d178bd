import ClusterModel
import DaemonKit
import Foundation
import GuestAgentCore
import TestSupport
import Testing

@testable import GuestAgentServices

@Suite("A guest agent's state file")
struct StateFileTests {
  private let record = AgentRecord(
    vm: "vm 1", boot: "0017",
    processes: AgentRecord.State.allCases.enumerated().map { index, state in
      AgentRecord.Process(ProcessIdentity(pid: Int32(index + 1), startTime: UInt64.max - UInt64(index)), state)
    },
    stale: [AgentRecord.Announcement(vm: "true", pid: .max)])

  @Test("What was written is read back, by the next agent")
  func roundTrip() throws {
    let folder = try TemporaryFolder()
    let directory = try StateDirectory(folder.file("state"))
    do {
      let file = try StateFile(in: directory)
      #expect(try file.read() == nil)
      try file.write(AgentRecord(vm: "a", boot: ""))
      try file.write(record)
    }
    #expect(try StateFile(in: directory).read() == record)
    let files = try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
    #expect(files == ["guest-agent.lock", "guest-agent.yaml"])
  }

  @Test("Two agents do not work with one directory")
  func exclusive() throws {
    let folder = try TemporaryFolder()
    let directory = try StateDirectory(folder.path)
    let first = try StateFile(in: directory)
    let failure = #expect(throws: StateFile.Failure.self) { try StateFile(in: directory) }
    #expect(failure?.description.contains("another agent works with \(folder.path)") == true)
    #expect(try first.read() == nil)
  }

  @Test(
    "A file that cannot be read stops the start: what is suspended would be taken for running",
    arguments: ["", "{", "vm-name: a", "vm-name: a\nboot: b\nprocesses: [{process: 1, start-time: 2, state: odd}]"])
  func damaged(_ text: String) throws {
    let folder = try TemporaryFolder()
    try folder.write(text, to: "guest-agent.yaml")
    let file = try StateFile(in: StateDirectory(folder.path))
    let failure = #expect(throws: StateFile.Failure.self) { try file.read() }
    #expect(failure?.description.contains("if no process here is suspended, remove the file") == true)
  }

  @Test("A record that cannot be written leaves the one before it, and says why")
  func unwritable() throws {
    let folder = try TemporaryFolder()
    let file = try StateFile(in: StateDirectory(folder.path))
    try file.write(record)
    // A folder stands where the draft would be.
    try FileManager.default.createDirectory(
      atPath: folder.file("guest-agent.yaml.new"), withIntermediateDirectories: true)
    let failure = #expect(throws: StateFile.Failure.self) { try file.write(AgentRecord(vm: "a", boot: "")) }
    #expect(failure?.description == "\(folder.file("guest-agent.yaml.new")) cannot be opened: Is a directory")
    #expect(try file.read() == record)
  }
}
