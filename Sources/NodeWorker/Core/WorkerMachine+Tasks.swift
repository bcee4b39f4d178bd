import ClusterModel
import MigfraProtocol

/// What a task makes the worker do.
extension WorkerMachine {
  mutating func receive(_ task: TaskMessage, _ arrival: TaskArrival, at now: Moment) -> [WorkerEffect] {
    // The journal keeps it for the next start.
    guard quit == nil, !hasQuit else { return [] }
    var effects = learn(of: task.epoch)
    // A migration that an earlier incarnation may have begun is judged by where the machine is.
    let isSuperseded = isSuperseded(task)
    let isRefused = isSuperseded && !(arrival.isRecalled && task.kind == .migrateVM)
    switch ledger.receive(task) {
    case .new where isRefused:
      ledger.withdraw(task.id)
      return [refuseSuperseded(task, arrival)]
    case .conflicting where isRefused: return [refuseSuperseded(task, arrival)]
    case .new: break
    case .running: return effects + [.forget(arrival)]
    case .answered(let result): return effects + [.answer(result, arrival)]
    case .conflicting: return effects + [conflict(of: task, arrival)]
    }
    effects += task.warnings.map { warning in
      WorkerEffect.note(Note(.warning, "a task has a key without meaning", ["warning": warning]))
    }
    let isExpired = task.notAfter.map { now.unixTime > $0 } ?? false
    if let (code, details) = refusal(of: task, isExpired: isExpired, isRecalled: arrival.isRecalled, at: now) {
      effects.append(.note(Note(.warning, "a task was refused", ["task": task.kind.rawValue, "cause": details])))
      effects.append(refuse(task, arrival, code, details))
      return effects
    }
    switch task.body {
    case .start(let entries): effects += begin(entries.map(Operation.start), for: task, arrival, at: now)
    case .stop(let entries): effects += stop(entries, for: task, arrival, at: now)
    case .suspend(let vms): effects += begin(vms.map(Operation.suspend), for: task, arrival, at: now)
    case .resume(let vms): effects += begin(vms.map(Operation.resume), for: task, arrival, at: now)
    case .repin(let entries): effects += begin(entries.map(Operation.repin), for: task, arrival, at: now)
    case .hold(let hold): effects += begin([.hold(hold)], for: task, arrival, at: now)
    case .release(let release): effects += begin([.release(release)], for: task, arrival, at: now)
    case .migrate(let migration) where migration.partner != nil: effects += handOver(task, arrival, at: now)
    case .migrate(let migration):
      let order = MigrationOrder(
        vm: migration.vm, destination: migration.destination, type: migration.type ?? configuration.migrationType,
        tuning: migration.tuning, mayBegin: !isExpired && !isSuperseded, isRecalled: arrival.isRecalled, task: task.id)
      effects += begin(
        [.migrate(order)], for: task, arrival, retries: migration.retries ?? configuration.retries, at: now)
    case .evacuate, .restore, .rearrange, .apply, .cordon, .uncordon, .pauseOperation, .resumeOperation:
      effects += handOver(task, arrival, at: now)
    case .cancel(let target): effects += cancel(target, for: task, arrival, at: now)
    case .quit: effects += quit(task, arrival)
    }
    return effects
  }

  /// The refusal is remembered: the broker may bring the task once more, when it could be written down.
  mutating func refuseUnwritten(_ task: TaskMessage, _ arrival: TaskArrival, _ cause: String) -> [WorkerEffect] {
    switch ledger.receive(task) {
    case .new:
      let details =
        "\(configuration.host) cannot write its journal (\(cause)); the task was not executed: send it again with another id"
      return [refuse(task, arrival, .internal, details)]
    case .running: return []
    case .answered(let result): return [.answer(result, arrival)]
    case .conflicting: return [conflict(of: task, arrival)]
    }
  }

  private func conflict(of task: TaskMessage, _ arrival: TaskArrival) -> WorkerEffect {
    let details = "the id '\(task.id?.rawValue ?? "")' was used for another task"
    return .answer(refusal(of: task, .duplicateID, details), arrival)
  }

  /// Patterns mean the machines that are active when the task's turn comes; none is a success.
  private mutating func stop(
    _ entries: [VMStop], for task: TaskMessage, _ arrival: TaskArrival, at now: Moment
  ) -> [WorkerEffect] {
    guard entries.contains(where: { $0.pattern != nil }) else {
      return begin(entries.map(Operation.stop), for: task, arrival, at: now)
    }
    guard let active = activeVMs else {
      // Nobody has looked yet; what cannot be looked at is answered when that is known.
      unexpanded.append((task, arrival))
      return []
    }
    var stops: [VMStop] = []
    for entry in entries {
      let names = entry.pattern.map { pattern in active.filter { pattern.matches($0.rawValue) } } ?? [entry.vm]
      for name in names where !stops.contains(where: { $0.vm == name }) {
        var stop = entry
        stop.vm = name
        stop.pattern = nil
        stops.append(stop)
      }
    }
    if stops.isEmpty { return [answer(arrival, with: TaskResult(title: .vmStopped, id: task.id))] }
    return begin(stops.map(Operation.stop), for: task, arrival, at: now)
  }

  /// The hypervisor has been looked at, or is known to be away: now the patterns can be answered.
  mutating func expandPatterns(at now: Moment) -> [WorkerEffect] {
    let waiting = unexpanded
    unexpanded = []
    return waiting.flatMap { task, arrival -> [WorkerEffect] in
      guard case .stop(let entries) = task.body, activeVMs != nil else {
        return [refuse(task, arrival, .hypervisorLost, "the hypervisor of \(configuration.host) cannot be reached")]
      }
      return stop(entries, for: task, arrival, at: now)
    }
  }

  /// Why the task cannot be taken at all.
  private func refusal(
    of task: TaskMessage, isExpired: Bool, isRecalled: Bool, at now: Moment
  ) -> (ErrorCode, String)? {
    // A migration that an earlier incarnation may have begun is judged by where the machine is.
    if isExpired, !isRecalled || task.kind != .migrateVM {
      let ago = SizeText.seconds(now.unixTime - (task.notAfter ?? now.unixTime))
      return (
        .expired,
        isRecalled
          ? "expired \(ago) ago; whether it was carried out before the worker was restarted is not known"
          : "expired \(ago) ago, not executed"
      )
    }
    if task.body == .quit, !configuration.mayQuit {
      return (.refused, "'quit' is not enabled (allow-quit); stop the worker by its service manager")
    }
    if task.vms.isEmpty, [.startVM, .stopVM, .suspendVM, .resumeVM].contains(task.kind) {
      return (.invalidMessage, "the list of machines is empty")
    }
    if let driver = task.driver, driver != configuration.driver {
      return (
        .unsupported, "driver '\(driver)' is not that of \(configuration.host), which is '\(configuration.driver)'"
      )
    }
    guard case .migrate(let migration) = task.body else { return nil }
    if migration.destination == configuration.host {
      return (
        .destination, "'\(migration.vm)' cannot be migrated to \(migration.destination): that is this host itself"
      )
    }
    return nil
  }

  mutating func refuse(
    _ task: TaskMessage, _ arrival: TaskArrival, _ code: ErrorCode, _ details: String
  ) -> WorkerEffect {
    answer(arrival, with: refusal(of: task, code, details))
  }

  /// Says who answers where the seed's answers do.
  private func refusal(of task: TaskMessage, _ code: ErrorCode, _ details: String) -> TaskResult {
    let scheduler = task.kind == .startVM ? configuration.host.rawValue : nil
    return .refusal(of: task, scheduler: scheduler, code: code, details: details)
  }
}
