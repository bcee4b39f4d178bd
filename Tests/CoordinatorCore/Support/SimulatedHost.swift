import ClusterModel
import MigfraProtocol

/// A host of the random walk: what is really on it, and its worker with the journal.
struct SimulatedHost {
  enum Worker: Equatable {
    case online
    /// Its process lives and does its work; nobody hears it.
    case unheard
    case dead
  }

  var capacity: HostCapacity
  /// What libvirt has: machines that run here, and those that arrive.
  var vms: [VirtualMachine] = []
  var worker = Worker.online
  var epoch: Epoch = 1
  var sequence = 0
  var isReachable = true
  /// Tasks that came and have no answer yet, and the answers that were given.
  var open: [TaskMessage] = []
  var answers: [TaskID: TaskResult] = [:]
  /// What waits at the broker: for the worker, and from it.
  var inbox: [TaskMessage] = []
  var outbox: [TaskResult] = []
  /// When the last report will have been delivered: a topic keeps its order.
  var lastDelivery = Duration.zero

  /// Memory in use, that of machines that arrive included, KiB.
  var usedMemoryKiB: Int {
    vms.filter { $0.state.isActive || $0.state == .arriving }.reduce(0) { $0 + $1.memoryKiB }
  }

  mutating func report(_ host: HostName) -> HostReport {
    sequence += 1
    return HostReport(
      host: host, presence: .online, epoch: epoch, sequence: sequence, capacity: capacity,
      isHypervisorReachable: isReachable, vms: vms)
  }
}
