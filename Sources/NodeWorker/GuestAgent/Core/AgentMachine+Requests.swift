import ClusterModel
import MigfraProtocol

extension AgentMachine {
  mutating func receive(
    _ request: PscomRequest, for name: String, deadline: Duration?, at now: Moment
  ) -> [AgentEffect] {
    guard hasLooked else {
      let cause = "the processes of \(configuration.vm) cannot be looked at; the agent's log says why"
      return pids.filter { name == PscomTopics.everyProcess || name == "\($0)" }.map {
        failure(request, "\($0)", cause)
      }
    }
    if name == PscomTopics.everyProcess {
      guard !processes.isEmpty else {
        return [.note(Note(.info, "no process is here that could be asked", ["task": request.rawValue]))]
      }
      return pids.flatMap { ask($0, request, deadline, at: now) }
    }
    guard let pid = Int32(name), "\(pid)" == name, processes[pid] != nil else {
      let details = "\(configuration.vm) has no process \(name) that can be suspended"
      return [
        .note(Note(.warning, "an unknown process was asked for", ["process": name, "task": request.rawValue])),
        failure(request, name, details),
      ]
    }
    return ask(pid, request, deadline, at: now)
  }

  /// Puts the request in its place. A repeat of what is under way, or of what is to be done last, is answered together
  /// with it: by one answer, which whoever asked finds on the same topic.
  private mutating func ask(
    _ pid: Int32, _ request: PscomRequest, _ deadline: Duration?, at now: Moment
  ) -> [AgentEffect] {
    guard let process = processes[pid] else { return [] }
    if let last = process.waiting.last {
      if last.request == request {
        let deadline = later(last.deadline, deadline)
        processes[pid]?.waiting[process.waiting.count - 1].deadline = deadline
        return []
      }
      guard process.waiting.count < configuration.waitingLimit else {
        return [failure(request, "\(pid)", "process \(pid) of \(configuration.vm) has too many requests to carry out")]
      }
    } else if process.underWay == request {
      return []
    }
    processes[pid]?.waiting.append(TrackedProcess.Waiting(request: request, deadline: deadline))
    return proceed(pid, at: now)
  }

  private func later(_ one: Duration?, _ other: Duration?) -> Duration? {
    guard let one, let other else { return nil }
    return max(one, other)
  }

  /// Takes what waits, until the process has something to do.
  ///
  /// While a signal waits for the process nothing is begun: two that wait are one, and would toggle once.
  mutating func proceed(_ pid: Int32, at now: Moment) -> [AgentEffect] {
    var effects: [AgentEffect] = []
    if let process = processes[pid], process.isOverdue, !process.isSignalPending {
      processes[pid]?.isOverdue = false
      effects.append(.setTimer(AgentTimer(process.identity, round: process.round), after: configuration.settleTime))
    }
    while let process = processes[pid], process.isResting, !process.isSignalPending, let next = process.waiting.first {
      processes[pid]?.waiting.removeFirst()
      if let deadline = next.deadline, deadline <= now.uptime {
        effects.append(failure(next.request, "\(pid)", "the request expired while it waited for its turn"))
      } else if process.state == next.request.goal {
        effects.append(.answer(process: "\(pid)", PscomAnswer(next.request)))
      } else {
        processes[pid]?.phase = .signalling(to: next.request.goal)
        processes[pid]?.round += 1
        toggles.append(Toggle(process.identity, signal: process.signal))
      }
    }
    return effects
  }

  mutating func take(_ signalled: Signalled, at now: Moment) -> [AgentEffect] {
    let pid = signalled.process.pid
    guard let process = processes[pid], process.identity == signalled.process,
      case .signalling(let goal) = process.phase
    else { return [] }
    switch signalled.outcome {
    case .sent:
      processes[pid]?.phase = .settling(goal)
      return [
        .setTimer(AgentTimer(process.identity, round: process.round), after: configuration.settleTime),
        note("a process was signalled", pid, ["state": goal.rawValue, "signal": "\(process.signal)"]),
      ]
    case .gone: return end(pid)
    case .refused(let cause):
      let request = PscomRequest(leadingTo: goal)
      processes[pid]?.phase = .resting(goal == .suspended ? .running : .suspended)
      return [
        note("a process could not be signalled", pid, ["cause": cause], level: .warning),
        failure(request, "\(pid)", cause),
      ] + proceed(pid, at: now)
    }
  }

  mutating func settle(_ timer: AgentTimer, at now: Moment) -> [AgentEffect] {
    let pid = timer.process.pid
    guard let process = processes[pid], process.identity == timer.process, process.round == timer.round,
      case .settling(let state) = process.phase
    else { return [] }
    let request = PscomRequest(leadingTo: state)
    guard !process.isSignalPending else {
      // It will toggle some day, so this is no end: only when it has can a signal for the opposite be sent.
      processes[pid]?.isOverdue = true
      return [
        note("a process has not taken its signal", pid, ["signal": "\(process.signal)"], level: .warning),
        failure(request, "\(pid)", notTaken(process)),
      ]
    }
    processes[pid]?.phase = .resting(state)
    // The state first: who hears the answer finds it changed.
    return announceNews(pid) + [.answer(process: "\(pid)", PscomAnswer(request))] + proceed(pid, at: now)
  }

  private func notTaken(_ process: TrackedProcess) -> String {
    "process \(process.identity.pid) of \(configuration.vm) has not taken signal \(process.signal) yet: it blocks it, "
      + "or is stopped"
  }
}
