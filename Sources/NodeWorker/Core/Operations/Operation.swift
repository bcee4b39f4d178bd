public import ClusterModel
public import MigfraProtocol

/// Names one operation of this incarnation of the worker.
public struct OperationID: Hashable, Sendable, Comparable, CustomStringConvertible {
  public let number: Int

  public init(_ number: Int) {
    self.number = number
  }

  public var description: String { "\(number)" }

  public static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}

/// One thing to be done with one machine; blocks, and is judged by what is then observed.
public enum Operation: Sendable, Equatable {
  case start(VMStart)
  case stop(VMStop)
  case suspend(VMName)
  case resume(VMName)
  case repin(VMRepin)
  /// The core's own: it is never performed by the hypervisor.
  case hold(JobHold)
  case release(JobRelease)
  /// Only looks whether the migration could begin; touches nothing.
  case examine(MigrationOrder)
  case migrate(MigrationOrder)

  /// Operations on one machine run one after another; nil: the name is not known before libvirt has read the XML.
  public var vm: VMName? {
    switch self {
    case .start(let start): start.name
    case .stop(let stop): stop.vm
    case .repin(let repin): repin.vm
    case .hold(let hold): hold.vm
    case .release(let release): release.vm
    case .suspend(let vm), .resume(let vm): vm
    case .examine(let order), .migrate(let order): order.vm
    }
  }

  /// What bounds how many run at once.
  enum Limit: Hashable {
    case starts
    case migrations
    case none
  }

  /// Whether it can be ended before its own end.
  var isAbortable: Bool {
    switch self {
    case .start, .examine, .migrate: true
    case .stop, .suspend, .resume, .repin, .hold, .release: false
    }
  }

  /// The order of a migration before which the connections of a job are to be closed.
  var hookedOrder: (order: MigrationOrder, hook: HookProcesses)? {
    guard case .migrate(let order) = self, let hook = order.tuning.hookProcesses, hook != .count(0) else { return nil }
    return (order, hook)
  }

  /// The machine whose job is closed before the operation, and whose connections.
  var closing: (vm: VMName, hook: HookProcesses)? {
    if case .hold(let hold) = self { (hold.vm, hold.processes) } else { hookedOrder.map { ($0.order.vm, $0.hook) } }
  }

  /// Whether a success leaves the job as it is, for the next stage.
  var keepsJobClosed: Bool {
    if case .migrate(let order) = self { order.type == .offline && order.tuning.offlineStage == .save } else { false }
  }

  var limit: Limit {
    switch self {
    case .start: .starts
    case .examine, .migrate: .migrations
    case .stop, .suspend, .resume, .repin, .hold, .release: .none
    }
  }
}

/// How an operation ended.
public enum OperationOutcome: Sendable, Equatable {
  /// What was examined can begin.
  case ready
  /// `vm`: the name that libvirt knows it by. `processID`: on the host where the machine now runs.
  case success(vm: VMName, processID: Int? = nil, details: String? = nil, times: [TimeMeasurement] = [])
  /// `mayPass`: trying again can help.
  case failure(ErrorCode, String, mayPass: Bool, times: [TimeMeasurement] = [])

  var isSuccess: Bool {
    if case .success = self { true } else { false }
  }
}
