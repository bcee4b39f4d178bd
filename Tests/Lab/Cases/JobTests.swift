import TestSupport
import Testing

@Suite("Jobs around migrations in the lab", .serialized, .requiresLab, .timeLimit(.minutes(10)))
struct JobTests {
  private static let task = """
    task: migrate vm
    id: j
    vm-name: vm1
    destination: node2
    time-measurement: true
    parameter: {retry-counter: 0, pscom-hook-procs: 2}

    """

  private static func with(_ body: (Lab, LabBus, Job) async throws -> Void) async throws {
    try await Lab.with(hosts: 2) { lab in
      try await lab.startGuests(1, on: "node1", "mem=96", "fill=80")
      let bus = try await LabBus(lab)
      try await body(lab, bus, try await Job(lab, bus))
    }
  }

  @Test("Every process is suspended before and resumed after, once each, and the result tells how long that took")
  func whole() async throws {
    try await Self.with { lab, bus, job in
      let answer = try await bus.ask("node1", Self.task)
      #expect(answer.contains("status: success\ndetails: \"0\""), "\(answer)")
      for tag in ["overall", "pscom-suspend-vm1", "migrate", "downtime", "pscom-resume-vm1"] {
        #expect(answer.contains("- \(tag): "), "\(tag) in \(answer)")
      }
      #expect(job.toggles == [2, 2])
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node2/running"])
    }
  }

  @Test("A process that does not take its signal: the other goes on, and the machine stays")
  func silent() async throws {
    try await Self.with { lab, bus, job in
      try await lab.must("exec", "ctl", "kill", "-STOP", job.processes[0])
      let answer = try await bus.ask("node1", Self.task)
      #expect(answer.contains("code: pscom"), "\(answer)")
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node1/running"])
      try await lab.must("exec", "ctl", "kill", "-CONT", job.processes[0])
      // The signal that waited has toggled it; the agent was told to resume, and knows what it has sent.
      try await eventually("running processes", within: .seconds(20)) { job.isRunning }
    }
  }

  enum Phase: String, CaseIterable, Sendable {
    case suspending, copying, resuming

    func hasBegun(_ bus: LabBus) -> Bool {
      switch self {
      case .suspending:
        bus.messages.contains { $0.topic.hasPrefix("fast/pscom/vm1/") && $0.text.hasPrefix("task: suspend") }
      case .copying: bus.messages.contains { $0.topic.hasSuffix("/progress") && $0.text.contains("phase: copying") }
      case .resuming:
        bus.messages.contains {
          $0.topic.hasPrefix("fast/pscom/vm1/") && $0.topic.hasSuffix("request") && $0.text.hasPrefix("task: resume")
        }
      }
    }
  }

  @Test(
    "A worker that is killed in any phase: after its restart every process runs, and the answer comes once",
    arguments: Phase.allCases)
  func killed(_ phase: Phase) async throws {
    try await Self.with { lab, bus, job in
      if phase == .copying { try await lab.must("rate", "node1", "200mbit") }
      try await bus.publish("fast/migfra/node1/task", Self.task)
      try await eventually("\(phase)", within: .seconds(20)) { phase.hasBegun(bus) }
      try await lab.kill("migfra-worker", on: "node1")
      #expect(bus.results(of: "node1") == [])
      if phase != .resuming { #expect(job.toggles != [2, 2]) }
      try await lab.restart("migfra-worker", on: "node1")
      let answer = try await eventually("answer after the restart", within: .seconds(60)) {
        bus.results(of: "node1").first
      }
      #expect(answer.contains("id: j\nvm-name: vm1\nstatus: success"), "\(answer)")
      try await eventually("running processes") { job.isRunning }
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node2/running"])
      let other = try await bus.ask("node1", "task: stop vm\nid: after\nlist: [{vm-name: nobody}]\n")
      #expect(other.contains("id: after"))
      #expect(bus.results(of: "node1").count == 2)
      #expect(job.isRunning)
    }
  }
}
