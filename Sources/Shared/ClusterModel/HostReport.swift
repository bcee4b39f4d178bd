/// What a worker says of its host, retained on the host's state topic; its will says `offline`.
public struct HostReport: Sendable, Equatable {
  public enum Presence: String, Sendable, CaseIterable {
    case online
    /// Announced by a worker that is being stopped.
    case stopped
    /// Said by the broker in the name of a worker that has vanished.
    case offline
  }

  public var host: HostName
  public var presence: Presence
  /// Of the worker's incarnation; an older one's news, a late will among it, is ignored.
  public var epoch: Epoch
  /// Grows with each report of one epoch.
  public var sequence: Int
  public var version: String
  public var capacity: HostCapacity
  /// Whether the worker's connection to its hypervisor stands; without it `vms` is what was last seen.
  public var isHypervisorReachable: Bool
  /// How the hypervisor calls itself: "QEMU 7.2.22", "dummy".
  public var hypervisor: String
  public var vms: [VirtualMachine]

  public init(
    host: HostName, presence: Presence, epoch: Epoch, sequence: Int = 0, version: String = "",
    capacity: HostCapacity = HostCapacity(memoryKiB: 0, cpus: 0), isHypervisorReachable: Bool = true,
    hypervisor: String = "", vms: [VirtualMachine] = []
  ) {
    self.host = host
    self.presence = presence
    self.epoch = epoch
    self.sequence = sequence
    self.version = version
    self.capacity = capacity
    self.isHypervisorReachable = isHypervisorReachable
    self.hypervisor = hypervisor
    self.vms = vms
  }

  /// Machines that occupy the host's memory.
  public var activeVMs: [VirtualMachine] { vms.filter(\.state.isActive) }
}

/// What the coordinator says of itself, retained; its will says `offline`.
public struct CoordinatorReport: Sendable, Equatable {
  public var isOnline: Bool
  public var epoch: Epoch
  public var version: String
  /// Names the coordinator's journal: an incarnation with the same one goes on with what an earlier one has begun.
  public var journal: String?

  public init(isOnline: Bool, epoch: Epoch, version: String = "", journal: String? = nil) {
    self.isOnline = isOnline
    self.epoch = epoch
    self.version = version
    self.journal = journal
  }
}

/// What the coordinator is doing with a host, retained on `fast/coordinator/node/<host>`.
public struct NodeReport: Sendable, Equatable {
  public enum State: String, Sendable, Codable, CaseIterable {
    /// Takes arrivals.
    case active = "ACTIVE"
    /// Takes none, by an operator's word.
    case cordoned = "CORDONED"
    /// Being emptied; takes none.
    case draining = "DRAINING"
    /// Seen empty by its own report; takes none until it is uncordoned.
    case drained = "DRAINED"
    /// Machines come back to it; others may not be sent there.
    case restoring = "RESTORING"
    /// Emptied as far as possible; some machines stayed. Takes none until it is uncordoned.
    case partial = "PARTIAL"

    /// Whether a plan that names no destinations may choose the host.
    public var takesArrivals: Bool { self == .active }
  }

  public var host: HostName
  public var state: State
  /// Why, in words: "evacuation p3", "cordoned by admin".
  public var reason: String
  /// Its copies of machines that are on other hosts too; a machine's only active copy is none.
  public var strays: [StrayCopy]

  public init(host: HostName, state: State, reason: String, strays: [StrayCopy] = []) {
    self.host = host
    self.state = state
    self.reason = reason
    self.strays = strays
  }
}
