import Foundation
import TestSupport
import Testing

/// An MPI job over several machines: in each two processes that toggle with every signal, and the real guest agent.
///
/// The lab's guests have no operating system, so all of them run on ctl; an agent knows those of its machine by the name of
/// their program.
private struct SpreadJob {
  let lab: Lab
  let vms: [String]
  private let folder: String

  private static let script =
    "open F, '>>', $ARGV[0]; select F; $| = 1; $SIG{USR1} = sub { print F qq(toggle\\n) }; sleep 60 while 1"

  init(_ lab: Lab, _ bus: LabBus, over vms: [String]) async throws {
    self.lab = lab
    self.vms = vms
    folder = "\(lab.folder.path)/state/ctl"
    for vm in vms {
      let program = "\(folder)/process-of-\(vm)"
      try FileManager.default.copyItem(atPath: "/usr/bin/perl", toPath: program)
      for number in 1...2 {
        try await lab.must(
          "spawn", "ctl", "env", "PSP_SIGSUSPEND=10", program, "-e", Self.script, log(of: vm, number))
      }
      let others = vms.filter { $0 != vm }.map { "process-of-\($0)" }.joined(separator: ", ")
      let settings = "\(folder)/agent-\(vm).yaml"
      try "guest-agent:\n  ignore: [\(others), perl]\n".write(toFile: settings, atomically: true, encoding: .utf8)
      try await lab.must(
        "spawn", "ctl", "\(Programs.folder)/migfra-guest-agent", "--config", settings, "--broker", "ctl:1883",
        "--vm-name", vm, "--state-directory", "\(folder)/agent-\(vm)")
    }
    try await eventually("announcements of all processes") {
      Set(bus.messages.filter { $0.topic.hasPrefix("fast/pscom/") && $0.topic.hasSuffix("/state") }.map(\.topic)).count
        == 2 * vms.count
    }
  }

  private func log(of vm: String, _ number: Int) -> String { "\(folder)/\(vm)-\(number).log" }

  /// How often each process was toggled.
  var toggles: [Int] {
    vms.flatMap { vm in
      (1...2).map { number in
        let text = try? String(contentsOfFile: log(of: vm, number), encoding: .utf8)
        return text?.split(separator: "\n").count ?? 0
      }
    }
  }
}

@Suite("A job over several machines in the lab", .serialized, .requiresLab, .timeLimit(.minutes(10)))
struct GangLabTests {
  private static let vms = ["vm1", "vm2", "vm3"]
  private static let task = """
    task: evacuate node
    id: g
    time-measurement: true
    parameter: {retry-counter: 0, pscom-hook-procs: auto}

    """

  /// Three, because two move at once: by itself the third would be suspended when the first has gone.
  private static func with(_ body: (Lab, LabBus, SpreadJob) async throws -> Void) async throws {
    try await Lab.with(hosts: 2) { lab in
      try await lab.startGuests(3, on: "node1", "mem=64", "fill=32")
      for vm in vms {
        _ = try await lab.virsh(
          "node1", "metadata", vm, "--live", "--uri", "urn:migfra:job", "--key", "migfra", "--set", "<job>mpi-17</job>")
        // A label is seen when something happens to its machine.
        _ = try await lab.virsh("node1", "suspend", vm)
        _ = try await lab.virsh("node1", "resume", vm)
      }
      try await eventually("labels") {
        try await lab.migfra("vms").text.components(separatedBy: "mpi-17").count == 4
      }
      // Slow enough that progress is told of each.
      try await lab.must("rate", "node1", "200mbit")
      let bus = try await LabBus(lab)
      try await body(lab, bus, try await SpreadJob(lab, bus, over: vms))
    }
  }

  @Test("An evacuation suspends every process once before the first machine moves, and resumes it after the last")
  func whole() async throws {
    try await Self.with { lab, bus, job in
      let answer = try await bus.ask("node1", Self.task)
      #expect(answer.contains("status: success"), "\(answer)")
      #expect(job.toggles == [2, 2, 2, 2, 2, 2])
      for vm in Self.vms {
        for tag in ["pscom-suspend-\(vm)", "pscom-resume-\(vm)"] {
          #expect(answer.components(separatedBy: "- \(tag): ").count == 2, "\(tag) in \(answer)")
        }
        #expect(try await lab.whereabouts(of: vm, hosts: 2) == ["node2/running"])
      }
      let messages = bus.messages
      func places(_ isMeant: (LabBus.Message) -> Bool) -> [Int] {
        messages.indices.filter { isMeant(messages[$0]) }
      }
      let suspended = places { $0.topic.hasPrefix("fast/pscom/") && $0.text.contains("suspended") }
      let copying = places { $0.topic.hasSuffix("/progress") && $0.text.contains("phase: copying") }
      let resuming = places { $0.topic.hasSuffix("/request") && $0.text.hasPrefix("task: resume") }
      #expect(suspended.count == 6 && resuming.count == 6)
      #expect((suspended.max() ?? .max) < (copying.min() ?? -1), "one has moved before all were suspended")
      #expect((copying.max() ?? .max) < (resuming.min() ?? -1), "one was resumed before all had moved")
      // The label has gone along.
      #expect(try await lab.migfra("vms", "--host", "node2").text.components(separatedBy: "mpi-17").count == 4)
    }
  }

  @Test(
    "A program that is killed while they move: still once, and one answer",
    arguments: [("migfra-coordinator", "ctl"), ("migfra-worker", "node1")])
  func killed(program: String, host: String) async throws {
    try await Self.with { lab, bus, job in
      try await bus.publish("fast/migfra/node1/task", Self.task)
      try await eventually("copying", within: .seconds(20)) {
        bus.messages.contains { $0.topic.hasSuffix("/progress") && $0.text.contains("phase: copying") }
      }
      try await lab.kill(program, on: host)
      #expect(bus.results(of: "node1") == [] && job.toggles == [1, 1, 1, 1, 1, 1])
      try await lab.restart(program, on: host)
      let answer = try await eventually("answer", within: .seconds(90)) { bus.results(of: "node1").first }
      #expect(answer.contains("status: success"), "\(answer)")
      #expect(job.toggles == [2, 2, 2, 2, 2, 2])
      for vm in Self.vms { #expect(try await lab.whereabouts(of: vm, hosts: 2) == ["node2/running"]) }
      let other = try await bus.ask("node1", "task: stop vm\nid: after\nlist: [{vm-name: nobody}]\n")
      #expect(other.contains("id: after") && bus.results(of: "node1").count == 2)
    }
  }
}
