import ClusterModel
import CoordinatorCore
import CoordinatorServices
import DaemonKit
import Foundation
import Journal
import MessageBus
import MigfraProtocol
import TestSupport
import Testing

@Suite("Coordinator and workers together, on a broker in memory", .timeLimit(.minutes(10)))
struct ServiceTests {
  @Test("A host is emptied from its own topic; one answer there, with the caller's id")
  func evacuation() async throws {
    try await RehearsalCluster.with(["node1", "node2", "node3"]) { cluster in
      try await cluster.startMachines(4, on: "node1")
      let before = cluster.messages(on: Topics.result("node1")).count
      let answer = try await cluster.ask("node1", "task: evacuate node\nid: mine\nparameter: {mode: scatter}\n")
      #expect(answer.contains("result: node evacuated\nid: mine\n"))
      #expect(answer.contains("status: success\ndetails: 4 moved\n"))
      #expect(cluster.report(of: "node1")?.activeVMs == [])
      #expect(cluster.report(of: "node2")?.activeVMs.count == 2)
      #expect(cluster.report(of: "node3")?.activeVMs.count == 2)
      #expect(cluster.node("node1")?.state == .drained)
      #expect(cluster.messages(on: Topics.result("node1")).count == before + 1)
      // The record of it tells what was asked, what came of each machine, and how it ended.
      let record = try cluster.messages(on: Topics.coordinatorEvent).map { text in
        try CoordinatorNews.decode(Array(text.utf8)).note
      }
      #expect(record.first?.message == "a task was taken" && record.first?.metadata["task-id"]?.isEmpty == false)
      #expect(record.count { $0.message == "moved" } == 4)
      #expect(record.last?.message == "evacuation ends" && record.last?.metadata["state"] == "DRAINED")
    }
  }

  @Test("A client's response topic and correlation data are honoured, but not as a way to command others")
  func responseTopics() async throws {
    try await RehearsalCluster.with(["node1"]) { cluster in
      let task = Array("task: stop vm\nid: 1\nlist: [{vm-name: nobody}]\n".utf8)
      try await cluster.client.subscribe(to: ["scheduler/inbox"])
      try await cluster.client.publish(
        BusMessage(
          topic: Topics.task("node1"), payload: task, responseTopic: "scheduler/inbox", correlationData: [1, 2, 3]))
      let answer = try await eventually("answer") {
        cluster.log.messages.first { $0.topic == "scheduler/inbox" }
      }
      #expect(answer.correlationData == [1, 2, 3])
      #expect(cluster.messages(on: Topics.result("node1")) == [])

      try await cluster.client.publish(
        BusMessage(
          topic: Topics.task("node1"), payload: Array("task: stop vm\nid: 2\nlist: [{vm-name: nobody}]\n".utf8),
          responseTopic: Topics.task("node2")))
      try await eventually("answer on the usual topic") { cluster.messages(on: Topics.result("node1")).count == 1 }
      #expect(cluster.messages(on: Topics.task("node2")) == [])
    }
  }

  @Test("An offline migration does not restore what runs on a third host, as its worker reports")
  func oldImage() async throws {
    try await RehearsalCluster.with(["node1", "node2"]) { cluster in
      let vm = VirtualMachine(name: "vm1", uuid: "u", state: .running, memoryKiB: 1 << 16, vcpus: 1)
      let report = HostReport(host: "node3", presence: .online, epoch: 1, sequence: 1, vms: [vm])
      try await cluster.client.publish(
        BusMessage(topic: Topics.state("node3"), payload: report.encoded(), isRetained: true))
      let answer = try await cluster.ask(
        "node1", "task: migrate vm\nid: 1\nvm-name: vm1\ndestination: node2\nparameter: {migration-type: offline}\n")
      #expect(answer.contains("status: error") && answer.contains("vm1 runs on node3"), "\(answer)")
    }
  }

  @Test("Results doubled and reordered by the broker change nothing")
  func duplicates() async throws {
    try await RehearsalCluster.with(["node1", "node2"]) { cluster in
      try await cluster.startMachines(3, on: "node1")
      cluster.broker.setFaults { message, client in
        client == "scheduler" ? .deliver : message.topic.hasSuffix("/progress") ? .deliver : .duplicate
      }
      let before = cluster.messages(on: Topics.result("node1")).count
      let answer = try await cluster.ask("node1", "task: evacuate node\nid: twice\n")
      #expect(answer.contains("status: success"), "\(answer)")
      #expect(cluster.report(of: "node2")?.activeVMs.count == 3)
      // The worker got the task twice and the coordinator every answer; the caller hears of it once, or the same twice.
      let answers = cluster.messages(on: Topics.result("node1")).dropFirst(before)
      #expect(Set(answers).count == 1, "\(answers)")
    }
  }

  @Test("Without a coordinator the hand-over is answered, and a late one takes it")
  func handOverWithoutCoordinator() async throws {
    let cluster = try RehearsalCluster()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await cluster.runWorker("node1") }
      try await eventually("report") { cluster.report(of: "node1") != nil }
      let answer = try await cluster.ask("node1", "task: evacuate node\nid: a\n")
      #expect(answer.contains("status: error"))
      #expect(answer.contains("code: no-coordinator"))

      try await cluster.publish("task: evacuate node\nid: b\n", to: Topics.task("node1"))
      group.addTask { try await cluster.runCoordinator() }
      try await eventually("answer") { cluster.messages(on: Topics.result("node1")).count == 2 }
      #expect(cluster.messages(on: Topics.result("node1"))[1].contains("there was nothing to move"))
      group.cancelAll()
    }
  }

  @Test("A worker that is stopped says so, and its next incarnation answers what was left")
  func restart() async throws {
    let cluster = try RehearsalCluster()
    // Slow enough that the migration is under way when its worker is stopped.
    let worker = Task { try await cluster.runWorker("node1", bytesPerSecond: 64 << 20) }
    let target = Task { try await cluster.runWorker("node2") }
    try await eventually("reports") { cluster.report(of: "node1") != nil && cluster.report(of: "node2") != nil }
    try await cluster.startMachines(1, on: "node1", mebibytes: 256)
    let answered = cluster.messages(on: Topics.result("node1")).count
    try await cluster.publish("task: migrate vm\nid: m\nvm-name: vm1\ndestination: node2\n", to: Topics.task("node1"))
    try await eventually("progress") { !cluster.messages(on: Topics.progress("node1")).isEmpty }
    worker.cancel()
    _ = await worker.result
    #expect(cluster.report(of: "node1")?.presence == .stopped)
    #expect(cluster.messages(on: Topics.result("node1")).count == answered)

    let epoch = cluster.report(of: "node1")?.epoch ?? 0
    let next = Task { try await cluster.runWorker("node1") }
    let answer = try await eventually("answer of the next incarnation") {
      cluster.messages(on: Topics.result("node1")).dropFirst(answered).first
    }
    #expect(answer.contains("result: vm migrated\nid: m\nvm-name: vm1\nstatus: success"), "\(answer)")
    #expect((cluster.report(of: "node1")?.epoch ?? 0) > epoch)
    try await eventually("machine on node2") { cluster.report(of: "node2")?.activeVMs.map(\.name) == ["vm1"] }
    next.cancel()
    target.cancel()
    try await next.value
    try await target.value
  }

  @Test("Who wanted an operation to end whose answer was the coordinator's last act is answered by the next one")
  func cancelAfterAnswer() async throws {
    let cluster = try RehearsalCluster()
    let journal = try TaskJournal.ofCoordinator(cluster.folder.file("coordinator.sqlite"), leastEpoch: 1)
    let tasks = [
      TaskMessage(id: "e", host: "n1", body: .evacuate(NodeEvacuation())), TaskMessage(id: "c", body: .cancel("e")),
    ]
    let route = ReplyRoute(topic: Topics.coordinatorResult, correlationData: nil)
    let arrivals = try tasks.map { try journal.receive($0.encoded(), for: route) }
    var machine = CoordinatorMachine(CoordinatorMachine.Configuration(epoch: 1))
    let vm = VirtualMachine(name: "a", uuid: "u", state: .running, memoryKiB: 1 << 20, vcpus: 1)
    let now = Moment(uptime: .seconds(5), unixTime: 1000)
    for (host, vms) in [("n1", [vm]), ("n2", [])] as [(HostName, [VirtualMachine])] {
      let capacity = HostCapacity(memoryKiB: 1 << 24, cpus: 8)
      let report = HostReport(host: host, presence: .online, epoch: 1, sequence: 1, capacity: capacity, vms: vms)
      _ = machine.handle(.hostReported(report), at: now)
    }
    for (task, arrival) in zip(tasks, arrivals) {
      for case .save(let saved) in machine.handle(.taskReceived(task, from: arrival), at: now) {
        try journal.save(saved)
      }
    }
    let result = TaskResult(title: .nodeEvacuated, id: "e", scheduler: "global", status: .success, details: "cancelled")
    try journal.answer(arrivals[0], with: result.encoded())
    try journal.close()

    let coordinator = Task { try await cluster.runCoordinator(epoch: 2) }
    try await eventually("both answers") { cluster.messages(on: Topics.coordinatorResult).count == 2 }
    let answers = cluster.messages(on: Topics.coordinatorResult)
    #expect(answers.contains { $0.contains("id: e") } && answers.contains { $0.contains("id: c") }, "\(answers)")
    coordinator.cancel()
    try await coordinator.value
  }

  @Test("A drained host stays drained over a restart of the coordinator")
  func coordinatorRestart() async throws {
    let cluster = try RehearsalCluster()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await cluster.runWorker("node1") }
      group.addTask { try await cluster.runWorker("node2") }
      try await eventually("reports") { cluster.report(of: "node1") != nil && cluster.report(of: "node2") != nil }
      let first = Task { try await cluster.runCoordinator(epoch: 1) }
      let answer = try await cluster.ask("node1", "task: evacuate node\nid: 1\n")
      #expect(answer.contains("status: success"), "\(answer)")
      first.cancel()
      _ = await first.result

      try await cluster.startMachines(1, on: "node2")
      let second = Task { try await cluster.runCoordinator(epoch: 2) }
      try await eventually("second coordinator") {
        cluster.coordinator?.isOnline == true && cluster.coordinator?.epoch == 2
      }
      let refused = try await cluster.ask("node2", "task: evacuate node\nid: 2\n")
      #expect(refused.contains("status: infeasible"), "\(refused)")
      #expect(refused.contains("node1: drained"), "\(refused)")
      second.cancel()
      _ = await second.result
      group.cancelAll()
    }
  }

  @Test("A coordinator that is stopped in mid-evacuation goes on at its next start; the host's topic has one answer")
  func evacuationOverRestart() async throws {
    let cluster = try RehearsalCluster()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for host: HostName in ["node1", "node2"] {
        group.addTask { try await cluster.runWorker(host, bytesPerSecond: 1 << 29) }
      }
      try await eventually("reports") { cluster.report(of: "node1") != nil && cluster.report(of: "node2") != nil }
      let first = Task { try await cluster.runCoordinator(epoch: 1) }
      try await eventually("first coordinator") { cluster.coordinator?.isOnline == true }
      try await cluster.startMachines(6, on: "node1")
      let before = cluster.messages(on: Topics.result("node1")).count
      try await cluster.publish("task: evacuate node\nid: over\n", to: Topics.task("node1"))
      try await eventually("first machine on the other side") {
        cluster.report(of: "node2")?.activeVMs.isEmpty == false
      }
      first.cancel()
      try await first.value
      #expect(cluster.report(of: "node1")?.activeVMs.isEmpty == false, "it was too quick for this test")
      let second = Task { try await cluster.runCoordinator(epoch: 2) }
      let answer = try await eventually("answer", within: .seconds(30)) {
        cluster.messages(on: Topics.result("node1")).dropFirst(before).first
      }
      #expect(answer.contains("id: over\n") && answer.contains("status: success\ndetails: 6 moved"), "\(answer)")
      #expect(cluster.report(of: "node2")?.activeVMs.count == 6)
      #expect(cluster.node("node1")?.state == .drained)
      #expect(cluster.messages(on: Topics.result("node1")).count == before + 1)
      second.cancel()
      try await second.value
      group.cancelAll()
    }
  }

  @Test("A task that was sent while no coordinator ran finds the hosts known")
  func taskBeforeStart() async throws {
    let cluster = try RehearsalCluster()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await cluster.runWorker("node1") }
      try await eventually("report") { cluster.report(of: "node1") != nil }
      // Its session is known to the broker, which keeps the task for it.
      let first = Task { try await cluster.runCoordinator(epoch: 1) }
      try await eventually("first coordinator") { cluster.coordinator?.isOnline == true }
      first.cancel()
      try await first.value
      try await cluster.publish("task: evacuate node\nid: early\nhost: node1\n", to: Topics.coordinatorTask)

      let second = Task { try await cluster.runCoordinator(epoch: 2) }
      let answer = try await eventually("answer") { cluster.messages(on: Topics.coordinatorResult).first }
      #expect(answer.contains("id: early\n"), "\(answer)")
      #expect(answer.contains("status: success\ndetails: there was nothing to move"), "\(answer)")
      second.cancel()
      try await second.value
      group.cancelAll()
    }
  }
}
