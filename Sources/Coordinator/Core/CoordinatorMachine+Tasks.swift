import ClusterModel
import MigfraProtocol

/// What a task makes the coordinator do.
extension CoordinatorMachine {
  mutating func receive(_ task: TaskMessage, from arrival: TaskArrival, at now: Moment) -> [CoordinatorEffect] {
    switch ledger.receive(task) {
    case .new: break
    case .running:
      return [.note(Note(.info, "a repeated task is already being worked on", task.metadata)), .forget(arrival)]
    case .answered(let result): return [.answer(result, to: arrival)]
    case .conflicting:
      return [
        .answer(
          .refusal(
            of: task, scheduler: "global", code: .duplicateID,
            details: "the id '\(task.id?.rawValue ?? "")' was used for another task"), to: arrival)
      ]
    }
    var effects: [CoordinatorEffect] = [.note(Note(.info, "a task was taken", task.metadata))]
    effects += task.warnings.map { .note(Note(.warning, "a task has a key without meaning", ["warning": $0])) }
    if let refusal = refusal(of: task, at: now) {
      effects.append(.note(Note(.warning, "a task was refused", task.metadata.merging(["cause": refusal.1]) { $1 })))
      effects.append(refuse(task, refusal.0, refusal.1, to: arrival))
      return effects
    }
    switch task.body {
    case .cancel(let target): return effects + cancel(target, for: task, from: arrival, at: now)
    case .pauseOperation(let target): return effects + pause(target, for: task, from: arrival, at: now)
    case .resumeOperation(let target): return effects + resume(target, for: task, from: arrival, at: now)
    case .apply(let plan): return effects + apply(plan, task: task, from: arrival, at: now)
    case .rearrange(let wish): return effects + rearrange(wish, task: task, from: arrival, at: now)
    case .migrate(let wish) where wish.partner == nil:
      return effects + migrate(wish, task: task, from: arrival, at: now)
    default: break
    }
    guard let host = task.hosts.first else { return effects }
    switch task.body {
    case .evacuate(let evacuation): effects += evacuate(task.hosts, evacuation, task: task, from: arrival, at: now)
    case .migrate(let wish):
      if let partner = wish.partner {
        effects += swap(wish, with: partner, on: host, task: task, from: arrival, at: now)
      }
    case .restore(let wish): effects += restore(host, wish, task: task, from: arrival, at: now)
    case .cordon(let reason): effects += cordon(host, reason: reason, task: task, from: arrival)
    case .uncordon: effects += uncordon(host, task: task, from: arrival)
    default: break
    }
    return effects
  }

  /// Why the task cannot be taken at all.
  private func refusal(of task: TaskMessage, at now: Moment) -> (ErrorCode, String)? {
    if let notAfter = task.notAfter, now.unixTime > notAfter {
      return (.expired, "expired \(SizeText.seconds(now.unixTime - notAfter)) ago")
    }
    switch task.body {
    case .evacuate, .restore, .cordon, .uncordon: break
    case .cancel, .pauseOperation, .resumeOperation, .apply, .rearrange: return nil
    case .migrate(let migration): if migration.partner == nil && task.host == nil { return nil }
    default:
      return (.unsupported, "the coordinator does not take '\(task.kind.rawValue)'; send it to fast/migfra/<host>/task")
    }
    let hosts = task.hosts
    guard !hosts.isEmpty else { return (.invalidMessage, "host: required, says which host is meant") }
    for host in hosts where roster[host] == nil {
      return (.noWorker, "unknown host '\(host)': no worker of that name has ever reported; see 'migfra hosts'")
    }
    return nil
  }

  mutating func refuse(
    _ task: TaskMessage, _ code: ErrorCode, _ details: String, to arrival: TaskArrival
  ) -> CoordinatorEffect {
    answer(task, with: .refusal(of: task, scheduler: "global", code: code, details: details), to: arrival)
  }

  /// Remembers a finished plan, and lets the oldest go.
  mutating func keep(_ plan: PlanID) -> [CoordinatorEffect] {
    finishedPlans.append(plan)
    guard finishedPlans.count > configuration.keptPlans else { return [] }
    let oldest = finishedPlans.removeFirst()
    drafts.removeAll { $0.id == oldest }
    return [.forgetPlan(oldest)]
  }
}

extension TaskMessage {
  /// The hosts that the task is about, each once.
  var hosts: [HostName] {
    let others = if case .evacuate(let evacuation) = body { evacuation.hosts } else { [HostName]() }
    var seen: Set<HostName> = []
    return ((host.map { [$0] } ?? []) + others).filter { seen.insert($0).inserted }
  }

  /// For log lines.
  var metadata: [String: String] {
    var metadata = ["task": kind.rawValue]
    if let id { metadata["task-id"] = id.rawValue }
    if !hosts.isEmpty { metadata["hosts"] = hosts.map(\.rawValue).joined(separator: " ") }
    if let requester { metadata["requester"] = requester }
    if let reason { metadata["reason"] = reason }
    return metadata
  }
}
