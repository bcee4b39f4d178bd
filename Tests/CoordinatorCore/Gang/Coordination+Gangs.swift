import ClusterModel
import CoordinatorCore
import MigfraProtocol

extension Coordination {
  /// All orders so far: "hold a:n1", "a:n1>n2", "release a:n1", "cancel".
  var given: [String] {
    effects.compactMap { if case .send(let task, let host) = $0 { Self.text(task, host) } else { nil } }
  }

  static func text(_ task: TaskMessage, _ host: HostName) -> String {
    switch task.body {
    case .hold(let hold): "hold \(hold.vm):\(host)"
    case .release(let release): "release \(release.vm):\(host)"
    case .migrate(let migration): "\(migration.vm):\(host)>\(migration.destination)"
    default: task.kind.rawValue
    }
  }

  /// The worker answers its last order about the job of the machine.
  mutating func answerJob(
    _ vm: VMName, failing code: ErrorCode? = nil, details: String = "cause", times: [TimeMeasurement] = [],
    to kind: String? = nil
  ) {
    for case .send(let task, let host) in effects.reversed() {
      switch task.body {
      case .hold, .release: break
      default: continue
      }
      guard task.vms == [vm], kind.map({ Self.text(task, host).hasPrefix($0) }) ?? true else { continue }
      var outcome = code.map { VMOutcome(vm: vm, failure: $0, details: details) } ?? VMOutcome(vm: vm)
      outcome.times = times
      return handle(.workerAnswered(TaskResult(title: task.kind.title, id: task.id, entries: [outcome]), from: host))
    }
  }

  mutating func answerJobs(_ vms: VMName...) {
    for vm in vms { answerJob(vm) }
  }
}

extension NodeEvacuation {
  /// One that has the connections of jobs closed.
  static func hooked(_ change: (inout NodeEvacuation) -> Void = { _ in }) -> NodeEvacuation {
    var evacuation = NodeEvacuation()
    evacuation.tuning.hookProcesses = .announced
    change(&evacuation)
    return evacuation
  }
}
