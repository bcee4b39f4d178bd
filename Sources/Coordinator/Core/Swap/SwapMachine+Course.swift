public import ClusterModel
public import MigfraProtocol

/// How an exchange goes on, and what it tells at its end.
extension SwapMachine {
  /// When every step of the state has its end, the next state begins.
  mutating func settle() {
    guard !isOver, steps.allSatisfy(\.migration.isFinal) else { return }
    let ended = steps
    past += ended
    let moved = ended.filter(\.migration.isMoved)
    let isClear = !ended.contains { $0.migration.isUnclear }
    let larger = 1 - smaller
    switch state {
    case .crossing:
      if moved.count == 2 { return go(to: .exchanged) }
      guard isClear, let one = moved.first else { return go(to: .failed) }
      go(to: .returning, step(one.isFirst ? 0 : 1, .back))
    case .saving where moved.isEmpty: go(to: .failed)
    case .saving where !cancels.isEmpty: go(to: .bringingHome, step(smaller, .goHome))
    case .saving: go(to: .carrying, step(larger, .whole))
    case .carrying:
      guard moved.isEmpty else {
        return cancels.isEmpty
          ? go(to: .restoring, step(smaller, .restore)) : go(to: .carryingBack, step(larger, .back))
      }
      isClear ? go(to: .bringingHome, step(smaller, .goHome)) : go(to: .failed)
    case .restoring:
      if !moved.isEmpty { return go(to: .exchanged) }
      isClear ? go(to: .carryingBack, step(larger, .back)) : go(to: .failed)
    case .carryingBack:
      moved.isEmpty ? go(to: .failed) : go(to: .bringingHome, step(smaller, .goHome))
    case .returning, .bringingHome: go(to: .failed)
    case .exchanged, .failed: break
    }
  }

  private mutating func go(to next: State, _ step: Step...) {
    state = next
    steps = step
  }

  /// The one answer, about the task's machine; of the other it tells where it is.
  public func answer(with roster: WorkerRoster, at now: Moment) -> TaskResult {
    let vm = ways[0].vm
    let retries = past.reduce(0) { $0 + $1.migration.retries }
    let entry: VMOutcome
    if state == .exchanged {
      entry = VMOutcome(
        vm: vm.name, details: "\(retries)", processID: roster.processID(of: vm.uuid, on: ways[0].destination),
        times: times(at: now))
    } else {
      // The first failure is the cause; what follows is the way home.
      let cause = past.first { $0.migration.failure != nil }?.migration
      let code = cancels.isEmpty ? cause?.failure ?? .internal : .cancelled
      let words = cancels.isEmpty ? cause?.details ?? "no cause is known" : "cancelled on request"
      entry = VMOutcome(
        vm: vm.name, failure: code, details: "not exchanged: \(words); \(whereabouts)", times: times(at: now))
    }
    return TaskResult(title: .vmMigrated, id: task.id, scheduler: "global", entries: [entry])
  }

  private func times(at now: Moment) -> [TimeMeasurement] {
    guard task.measuresTime else { return [] }
    var times = [TimeMeasurement("overall", seconds: (now.uptime - began).inSeconds)]
    let partner = ways[1].vm.name
    for step in past {
      times += step.migration.times.filter { $0.tag != "overall" }.map { time in
        // Tags that already name the machine, of its job, are not named twice.
        let isNamed = step.isFirst || time.tag.hasSuffix("-\(partner)")
        return isNamed ? time : TimeMeasurement("\(time.tag)-\(partner)", seconds: time.seconds)
      }
    }
    return times
  }

  /// Where a machine is after those of its steps that have ended: none of them is unclear.
  private func place(of way: Int) -> String {
    let vm = ways[way].vm.name
    switch past.last(where: { $0.isFirst == (way == 0) && $0.migration.isMoved })?.stage {
    case .whole, .restore: return "\(vm) is on \(ways[way].destination)"
    case .back, .goHome, nil: return "\(vm) is on \(ways[way].source)"
    case .save:
      return "\(vm) is saved on \(ways[way].source) and waits: "
        + "'migrate vm' with 'offline-stage: go-home' starts it there"
    }
  }

  /// Where both are after a failure, in words.
  var whereabouts: String {
    guard let last = past.last else { return "both stayed where they were" }
    let large = ways[1 - smaller]
    let small = ways[smaller]
    let unclear = past.filter { $0.migration.isUnclear }.map(\.migration.move.vm.name.rawValue)
    if !unclear.isEmpty {
      let known = ways.indices.filter { !unclear.contains(ways[$0].vm.name.rawValue) }.map(place)
      return (known + ["\(unclear.joined(separator: ", ")) may be on either host"]).joined(separator: ", ")
    }
    switch (last.stage, last.migration.isMoved) {
    case (.whole, _), (.save, _): return "both stayed where they were"
    case (.back, true), (.goHome, true): return "both are back where they were"
    case (.back, false) where past.first?.stage != .save:
      let one = last.migration.move
      let other = ways.first { $0.vm.uuid != one.vm.uuid }
      return
        "\(one.vm.name) is on \(one.source) and could not go home (\(last.migration.details ?? "no cause is known")), "
        + "\(other?.vm.name ?? "the other") stayed on \(other?.source ?? "its host")"
    case (.back, false):
      return
        "\(large.vm.name) is on \(large.destination) and could not go home, \(small.vm.name) is saved on \(small.source) "
        + "and waits: 'migrate vm' with 'offline-stage: restore' or 'go-home' starts it"
    case (.goHome, false), (.restore, _):
      return "\(large.vm.name) is on \(large.source), \(small.vm.name) is saved there and could not go on "
        + "(\(last.migration.details ?? "no cause is known")): 'migrate vm' with 'offline-stage: go-home' starts it"
    }
  }
}

extension MigrationMachine {
  fileprivate var failure: ErrorCode? {
    if case .failed(let code) = state { code } else { nil }
  }

  /// Nobody knows where the machine is.
  fileprivate var isUnclear: Bool { failure == .inDoubt || failure == .noWorker }
}
