import ClusterModel
import CoordinatorCore
import Foundation
import MigfraProtocol
import VirtualTime

/// The shell of the coordinator, as `CoordinatorService` is one.
extension World {
  mutating func beginCoordinator() {
    coordinator.life += 1
    let life = coordinator.life
    note("the coordinator begins its life \(life)")
    let configuration = CoordinatorMachine.Configuration(
      epoch: Epoch(coordinator.life), retries: 2, keptPlans: 5,
      strayPatience: sabotage == .suspectsAtOnce ? .zero : .seconds(60))
    coordinator.begin(CoordinatorMachine(configuration), at: now)
    early = []
    if sabotage == .losesTasks { coordinator.journal.forgetOpen() }
    let recalled = coordinator.journal.recalled
    var answered: Set<Int64> = []
    for record in recalled.finished + recalled.open {
      guard let answer = record.answer else { continue }
      answered.insert(record.arrival.sequence)
      coordinator.core.recall(record.task, answeredWith: answer)
    }
    let moment = coordinator.moment(now)
    var effects: [CoordinatorEffect] = []
    var continued: Set<Int64> = []
    for saved in coordinator.journal.operations.values.sorted(by: { $0.operation.id < $1.operation.id }) {
      let isAnswered = saved.operation.sequence.map(answered.contains) ?? false
      if !isAnswered { continued.formUnion(saved.operation.sequences) }
      effects += coordinator.core.restore(saved.readBack, isAnswered: isAnswered, at: moment)
    }
    effects += coordinator.core.handle(.originsRecalled(coordinator.journal.origins), at: moment)
    for report in coordinator.journal.nodes.values.sorted(by: { $0.host < $1.host }) {
      effects += coordinator.core.handle(.nodeRecalled(report), at: moment)
    }
    for record in recalled.open {
      if let answer = record.answer {
        write(.answer(answer, record.arrival), by: .coordinator)
      } else if !continued.contains(record.arrival.sequence) {
        early?.append(.taskReceived(record.task, from: record.arrival))
      }
    }
    perform(effects)
  }

  mutating func greet() {
    let report = CoordinatorReport(isOnline: true, epoch: epoch(of: .coordinator), version: "1", journal: "c")
    write(.say(.coordinatorState(report)), by: .coordinator)
    write(.say(.echo(.coordinator, life: coordinator.life)), by: .coordinator)
  }

  /// A message reaches the coordinator's callback: a task is on disk when it returns.
  mutating func receiveAtCoordinator(_ message: Message) {
    guard coordinator.isUp else { return }
    switch message.content {
    case .orderAnswer(let result, let host): noteForSleepers(.workerAnswered(result, from: host))
    case .hostState(let report): noteForSleepers(.hostReported(report))
    default: break
    }
    switch message.content {
    case .coordinatorTask(let task, let route):
      if let id = task.id { truth.received[id, default: 0] += 1 }
      let event = CoordinatorEvent.taskReceived(task, from: coordinator.journal.receive(task, route))
      if early != nil { early?.append(event) } else { feed(.coordinator, .coordinator(event)) }
    case .echo(_, let life):
      guard life == coordinator.life else { return }
      let waiting = early ?? []
      early = nil
      feed(.coordinator, .coordinator(.caughtUp))
      for event in waiting { feed(.coordinator, .coordinator(event)) }
    case .orderAnswer(let result, let host): feed(.coordinator, .coordinator(.workerAnswered(result, from: host)))
    case .hostState(let report): feed(.coordinator, .coordinator(.hostReported(report)))
    case .progress(let progress, _): feed(.coordinator, .coordinator(.migrationProgressed(progress)))
    case .node(let report):
      if message.wasKept { feed(.coordinator, .coordinator(.nodeRecalled(report))) }
    case .plan(let report):
      if message.wasKept { feed(.coordinator, .coordinator(.planRecalled(report))) }
    default: break
    }
  }

  mutating func handle(_ event: CoordinatorEvent) {
    let told = coordinator.core.strays
    let effects = coordinator.core.handle(event, at: coordinator.moment(now))
    checkGangs()
    // What an earlier life has told may have ended since.
    if case .nodeRecalled = event {} else { checkStrays(told) }
    perform(effects)
  }

  private mutating func perform(_ effects: [CoordinatorEffect]) {
    for effect in effects {
      guard survives(.coordinator) else { return }
      perform(effect)
    }
  }

  private mutating func perform(_ effect: CoordinatorEffect) {
    switch effect {
    case .save(let saved): for one in saved { coordinator.journal.operations[one.operation.id] = one }
    case .drop(let plan):
      if sabotage == .keepsOperations { return }
      coordinator.journal.operations[plan] = nil
    case .send(let task, let host):
      let task = sabotage == .divertsOrders ? diverted(task) : task
      note("order \(task.id ?? "-") to \(host): \(Self.text(task))")
      checkOrder(task)
      write(.order(task, host), by: .coordinator)
    case .answer(let result, let arrival):
      note("the coordinator answers \(result.id ?? "-") \(Self.text(result))")
      coordinator.journal.answer(arrival, result)
      write(.answer(result, arrival), by: .coordinator)
    case .forget(let arrival): coordinator.journal.settle(arrival)
    case .readUp: write(.say(.echo(.coordinator, life: coordinator.life)), by: .coordinator)
    case .publishPlan(let report): write(.say(.plan(report)), by: .coordinator)
    case .forgetPlan(let plan): bus.retained[Topics.plan(plan)] = nil
    case .publishNode(var report):
      if sabotage == .callsPartialDrained, report.state == .partial { report.state = .drained }
      note("\(report.host) is \(report.state.rawValue): \(report.reason)")
      coordinator.journal.nodes[report.host] = report
      // Said again with other strays it is no new word: machines may have come since.
      if report.state == .drained, truth.nodes[report.host] != .drained { checkDrained(report.host) }
      truth.nodes[report.host] = report.state
      write(.say(.node(report)), by: .coordinator)
    case .keepOrigins(let uuids, let host): for uuid in uuids { coordinator.journal.origins[uuid] = host }
    case .forgetOrigins(let uuids): for uuid in uuids { coordinator.journal.origins[uuid] = nil }
    case .setTimer(let timer, let pause):
      if sabotage == .losesTimers, case .retry = timer { return }
      events.add(
        .input(.coordinator, life: coordinator.life, .coordinator(.timerFired(timer))), at: now + pause)
    case .note(let note): self.note("  (\(note.message) \(note.metadata["cause"] ?? ""))")
    }
  }

  private func diverted(_ task: TaskMessage) -> TaskMessage {
    guard case .migrate(var migration) = task.body,
      let other = truth.nodes.filter({ $0.value == .draining && $0.key != task.host }).keys.min()
    else { return task }
    var task = task
    migration.destination = other
    task.body = .migrate(migration)
    return task
  }

  static func text(_ task: TaskMessage) -> String {
    switch task.body {
    case .migrate(let migration):
      let partner = migration.partner.map { " with \($0.vm)" } ?? ""
      let stage = migration.tuning.offlineStage.map { " \($0.rawValue)" } ?? ""
      let hook = migration.tuning.hookProcesses.map { " hook \($0)" } ?? ""
      return
        "\(migration.type?.rawValue ?? "move") \(migration.vm) to \(migration.destination)\(stage)\(partner)\(hook)"
    case .cancel(let target): return "cancel \(target)"
    case .hold(let hold): return "hold \(hold.vm) for \(hold.lease) s, \(hold.processes)"
    default: return "\(task.kind.rawValue) \(task.host ?? "-") \(task.vms.map(\.rawValue).joined(separator: " "))"
    }
  }
}

extension SavedOperation {
  /// As it comes back from the disk.
  fileprivate var readBack: SavedOperation {
    // What cannot be written or read back would end the process with the reason: a history has no other way.
    do {
      return try JSONDecoder().decode(SavedOperation.self, from: try JSONEncoder().encode(self))
    } catch {
      preconditionFailure("an operation cannot be kept: \(error)")
    }
  }
}
