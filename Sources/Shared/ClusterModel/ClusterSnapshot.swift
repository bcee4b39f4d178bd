/// The cluster at one moment, as far as a planner needs it: who has what, what is promised, who may receive.
public struct ClusterSnapshot: Sendable, Equatable {
  /// One host with everything that counts against its capacity.
  public struct Host: Sendable, Equatable {
    public var name: HostName
    public var capacity: HostCapacity
    /// The active machines on it.
    public var vms: [VirtualMachine]
    /// Memory promised to machines on their way to it, KiB.
    public var reservedMemoryKiB: Int
    /// CPUs promised to machines on their way to it.
    public var reservedVCPUs: Int
    /// nil: may receive; otherwise why it may not ("draining", "worker offline").
    public var obstacle: Obstacle?

    public init(
      name: HostName, capacity: HostCapacity, vms: [VirtualMachine], reservedMemoryKiB: Int = 0,
      reservedVCPUs: Int = 0, obstacle: Obstacle? = nil
    ) {
      self.name = name
      self.capacity = capacity
      self.vms = vms
      self.reservedMemoryKiB = reservedMemoryKiB
      self.reservedVCPUs = reservedVCPUs
      self.obstacle = obstacle
    }

    /// Memory in use or promised, KiB.
    public var usedMemoryKiB: Int { vms.reduce(reservedMemoryKiB) { $0 + $1.memoryKiB } }
    /// Virtual CPUs in use or promised.
    public var usedVCPUs: Int { vms.reduce(reservedVCPUs) { $0 + $1.vcpus } }
  }

  /// Why a host may not receive machines now.
  public struct Obstacle: Sendable, Equatable, CustomStringConvertible {
    public enum Kind: Sendable, Equatable {
      /// Holds whatever the request says: draining, offline, hypervisor unreachable.
      case absolute
      /// Holds unless the request names the host: cordoned, drained.
      case unlessNamed
    }

    public var kind: Kind
    public var description: String

    public init(_ kind: Kind, _ description: String) {
      self.kind = kind
      self.description = description
    }

    /// Of a host whose machines are on their way elsewhere.
    public static let draining = Obstacle(.absolute, "it is being emptied itself")
  }

  /// In order of their names.
  public var hosts: [Host]
  /// What must hold besides room.
  public var placementRules: PlacementRules
  /// Migrations at once out of one host, and into one.
  public var outgoingMigrations: Int
  public var incomingMigrations: Int

  public init(
    hosts: [Host], placementRules: PlacementRules = PlacementRules(), outgoingMigrations: Int = 2,
    incomingMigrations: Int = 2
  ) {
    self.hosts = hosts
    self.placementRules = placementRules
    self.outgoingMigrations = outgoingMigrations
    self.incomingMigrations = incomingMigrations
  }
}
