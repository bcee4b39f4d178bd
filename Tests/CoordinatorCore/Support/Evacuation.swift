import ClusterModel
import CoordinatorCore
import MigfraProtocol

/// An evacuation of `n1` with machines a, b, … to n2, and what the two hosts report.
struct Evacuation {
  var machine: EvacuationMachine
  var roster = WorkerRoster()
  private var sequence = 0

  init(_ vms: [VMName], unplaced: [VMName] = [], measuresTime: Bool = false) {
    let plan = Plan(
      moves: vms.map { Plan.Move(vm: .sample($0), source: "n1", destination: "n2") },
      unplaced: unplaced.map {
        Plan.Unplaced(vm: .sample($0), source: "n1", cause: .memory, details: "no room for \($0)")
      })
    let task = TaskMessage(id: "t", host: "n1", body: .evacuate(NodeEvacuation()), measuresTime: measuresTime)
    machine = EvacuationMachine(
      id: "p1", task: task, request: EvacuationRequest(sources: ["n1"]), plan: plan,
      arrival: Coordination.route, at: Self.time(0))
    report("n1", vms + unplaced)
    report("n2", [])
  }

  static func time(_ seconds: Int) -> Moment { Moment(uptime: .seconds(seconds), unixTime: Double(seconds)) }

  mutating func report(_ host: HostName, _ names: [VMName], arriving: [VMName] = []) {
    sequence += 1
    let vms =
      names.map { VirtualMachine.sample($0, processID: 42) } + arriving.map { .sample($0, state: .arriving) }
    _ = roster.update(
      HostReport(
        host: host, presence: .online, epoch: 1, sequence: sequence, capacity: .sample(16, 16), vms: vms))
  }

  mutating func lose(_ host: HostName) {
    _ = roster.update(HostReport(host: host, presence: .offline, epoch: 1))
  }

  mutating func finish(_ vm: VMName, _ code: ErrorCode? = nil, at seconds: Int = 1) {
    let outcome =
      code.map { VMOutcome(vm: vm, failure: $0, details: "cause") }
      ?? VMOutcome(vm: vm, times: [TimeMeasurement("migrate", seconds: 1)])
    _ = machine.withMigration(of: "uuid-\(vm)") { migration in
      migration.start(as: "x", at: Self.time(0))
      _ = migration.finish("x", with: outcome, at: Self.time(seconds))
    }
  }

  mutating func settle(at seconds: Int) -> EvacuationMachine.Settlement {
    machine.settle(with: roster, at: Self.time(seconds))
  }

  func answer(at seconds: Int = 5) -> TaskResult { machine.answer(with: roster, at: Self.time(seconds)) }
}
