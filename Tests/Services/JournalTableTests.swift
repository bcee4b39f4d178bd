import ClusterModel
import CoordinatorCore
import CoordinatorServices
import Journal
import MigfraProtocol
import NodeWorkerCore
import NodeWorkerServices
import TestSupport
import Testing

@Suite("What worker and coordinator keep beside tasks")
struct JournalTableTests {
  @Test("jobs with closed connections, by name or by number, until they are forgotten")
  func jobs() throws {
    let folder = try TemporaryFolder()
    let named = SuspendedJob(vm: "vm1", audience: .processes(["2", "10"]))
    let counted = SuspendedJob(vm: "vm 2", audience: .everyProcess(count: 4), isClosed: true)
    do {
      let journal = try TaskJournal.ofWorker(folder.file("w.sqlite"), leastEpoch: 1)
      try journal.remember(named)
      try journal.remember(counted)
      var closed = named
      closed.isClosed = true
      try journal.remember(closed)
      try journal.forget(jobOf: "vm 2")
      try journal.close()
    }
    let journal = try TaskJournal.ofWorker(folder.file("w.sqlite"), leastEpoch: 1)
    #expect(try journal.jobs() == [SuspendedJob(vm: "vm1", audience: .processes(["2", "10"]), isClosed: true)])
  }

  @Test("jobs that are held, with their lease, until they are released")
  func holds() throws {
    let folder = try TemporaryFolder()
    let held = SuspendedJob(vm: "vm1", audience: .processes(["2"]), isClosed: true, lease: 60)
    let other = SuspendedJob(vm: "vm2", audience: .everyProcess(count: 4), isClosed: true, lease: 30)
    do {
      let journal = try TaskJournal.ofWorker(folder.file("w.sqlite"), leastEpoch: 1)
      for job in [held, other] { try journal.remember(job) }
      #expect(try journal.jobs() == [held, other])
      var opening = other
      opening.isClosed = false
      opening.lease = nil
      try journal.remember(opening)
      #expect(try journal.jobs() == [held, opening])
      try journal.forget(jobOf: "vm2")
      try journal.close()
    }
    let journal = try TaskJournal.ofWorker(folder.file("w.sqlite"), leastEpoch: 1)
    #expect(try journal.jobs() == [held])
    try journal.forget(jobOf: "vm1")
    #expect(try journal.jobs() == [])
  }

  @Test("the newest coordinator")
  func newestCoordinator() throws {
    let folder = try TemporaryFolder()
    do {
      let journal = try TaskJournal.ofWorker(folder.file("w.sqlite"), leastEpoch: 1)
      #expect(try journal.newestCoordinator() == nil)
      try journal.remember(coordinator: 5)
      try journal.remember(coordinator: .max)
      try journal.close()
    }
    let journal = try TaskJournal.ofWorker(folder.file("w.sqlite"), leastEpoch: 1)
    #expect(try journal.newestCoordinator() == .max)
  }

  /// A coordinator that has begun to empty n1, and what it wanted kept.
  private func evacuation() -> [SavedOperation] {
    var machine = CoordinatorMachine(CoordinatorMachine.Configuration(epoch: 7))
    let now = Moment(uptime: .seconds(5), unixTime: 1000)
    func report(_ host: HostName, _ vms: [VirtualMachine]) -> CoordinatorEvent {
      .hostReported(
        HostReport(
          host: host, presence: .online, epoch: 1, sequence: 1, capacity: HostCapacity(memoryKiB: 1 << 24, cpus: 8),
          vms: vms))
    }
    let vm = VirtualMachine(name: "a", uuid: "u", state: .running, memoryKiB: 1 << 20, vcpus: 1)
    _ = machine.handle(report("n1", [vm]), at: now)
    _ = machine.handle(report("n2", []), at: now)
    let arrival = TaskArrival(sequence: 3, route: ReplyRoute(topic: "r", correlationData: [1, 2]))
    let task = TaskMessage(id: "e", host: "n1", body: .evacuate(NodeEvacuation()))
    return machine.handle(.taskReceived(task, from: arrival), at: now).flatMap { effect in
      if case .save(let saved) = effect { saved } else { [SavedOperation]() }
    }
  }

  @Test("operations as they were, until they have ended; and what was said of hosts")
  func operations() throws {
    let folder = try TemporaryFolder()
    let saved = try #require(evacuation().last)
    let node = NodeReport(host: "n1", state: .draining, reason: "plan 'p'")
    do {
      let journal = try TaskJournal.ofCoordinator(folder.file("c.sqlite"), leastEpoch: 1)
      try journal.save([saved])
      try journal.save(NodeReport(host: "n1", state: .cordoned, reason: "before"))
      try journal.save(node)
      try journal.keep(origins: ["u", "v"], "n1")
      try journal.forget(origins: ["v"])
      try journal.close()
    }
    let journal = try TaskJournal.ofCoordinator(folder.file("c.sqlite"), leastEpoch: 1)
    #expect(try journal.origins() == ["u": "n1"])
    let read = try journal.operations()
    #expect(read.map(\.operation.id) == [saved.operation.id])
    #expect(read.first?.operation.sequences == [3])
    #expect(try journal.nodes() == [node])

    // The next incarnation goes on with it: the worker gets its order again.
    var next = CoordinatorMachine(CoordinatorMachine.Configuration(epoch: 8))
    let later = Moment(uptime: .zero, unixTime: 1010)
    let effects = try next.restore(#require(read.first), isAnswered: false, at: later)
    let orders = effects.compactMap { effect in if case .send(let task, let host) = effect { (task, host) } else { nil }
    }
    #expect(orders.map(\.1) == ["n1"] && orders.map(\.0.kind) == [.migrateVM])
    try journal.drop(saved.operation.id)
    #expect(try journal.operations().isEmpty)
  }
}
