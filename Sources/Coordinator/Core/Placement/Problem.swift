public import ClusterModel

/// A cluster and a wish in plain numbers: what the engine plans on. Hosts and machines are known by their index.
///
/// Memory in KiB, bandwidth in bytes per second.
public struct Problem: Sendable {
  /// A host and what counts against it besides its machines.
  public struct Host: Sendable {
    /// What guests may use.
    public var memory: Int
    public var cpus: Int
    public var bandwidth: Int
    /// Migrations that may arrive at the same time.
    public var inbound: Int
    /// Migrations that may leave at the same time.
    public var outbound: Int
    /// Index of its rack; -1: in none.
    public var rack: Int
    /// Promised to machines that are not in `vms` yet.
    public var reservedMemory: Int
    public var reservedCPUs: Int
    /// Its NUMA cells are `cells[firstCell..<firstCell + cellCount]`; 0: its cells do not matter.
    public var firstCell: Int
    public var cellCount: Int

    public init(
      memory: Int, cpus: Int, bandwidth: Int = 1_250_000_000, inbound: Int = 2, outbound: Int = 2, rack: Int = -1,
      reservedMemory: Int = 0, reservedCPUs: Int = 0, firstCell: Int = 0, cellCount: Int = 0
    ) {
      self.memory = memory
      self.cpus = cpus
      self.bandwidth = max(1, bandwidth)
      self.inbound = max(1, inbound)
      self.outbound = max(1, outbound)
      self.rack = rack
      self.reservedMemory = reservedMemory
      self.reservedCPUs = reservedCPUs
      self.firstCell = firstCell
      self.cellCount = cellCount
    }
  }

  /// A part of a host with memory of its own.
  public struct Cell: Sendable {
    public var memory: Int
    public var cpus: Int

    public init(memory: Int, cpus: Int) {
      self.memory = memory
      self.cpus = cpus
    }
  }

  /// A machine.
  public struct VM: Sendable {
    public var memory: Int
    public var vcpus: Int
    public var host: Int
    /// Bytes per second that it writes to its memory.
    public var dirty: Int
    /// What it asks of hosts: a row of `allowed`; 0 asks nothing.
    public var requirement: Int
    /// Whether it must lie in one NUMA cell of its host.
    public var isInOneCell: Bool
    /// The cell it lies in now; -1: not known.
    public var cell: Int

    public init(
      memory: Int, vcpus: Int, host: Int, dirty: Int = 0, requirement: Int = 0, isInOneCell: Bool = false,
      cell: Int = -1
    ) {
      self.memory = memory
      self.vcpus = vcpus
      self.host = host
      self.dirty = dirty
      self.requirement = requirement
      self.isInOneCell = isInOneCell
      self.cell = cell
    }
  }

  /// Machines that must not share a host, or a rack.
  public struct Group: Sendable {
    public var isByRack: Bool
    public var vms: [Int]

    public init(isByRack: Bool, vms: [Int]) {
      self.isByRack = isByRack
      self.vms = vms
    }
  }

  /// Hosts, or some machines, are to be emptied.
  public struct Evacuation: Sendable {
    /// The machines to move.
    public var moving: [Int]
    /// Where they may go, in order of preference.
    public var destinations: [Int]
    public var mode: PlacementMode
    public var overbooking: Bool
    /// Whether machines on the destinations may be moved to make room.
    public var movesOthers: Bool
    /// How far vCPUs may exceed CPUs with `overbooking`, as a factor; nil: no limit.
    public var cpuRatio: Double?

    public init(
      moving: [Int], destinations: [Int], mode: PlacementMode, overbooking: Bool, movesOthers: Bool = false,
      cpuRatio: Double? = nil
    ) {
      self.moving = moving
      self.destinations = destinations
      self.mode = mode
      self.overbooking = overbooking
      self.movesOthers = movesOthers
      self.cpuRatio = cpuRatio
    }

    /// The most vCPUs that a host may have.
    func limit(of host: Host) -> Int {
      guard overbooking else { return host.cpus }
      // A cluster's CPUs together stay far below this.
      return cpuRatio.map { Int(Double(host.cpus) * min($0, 1e6)) } ?? 1 << 40
    }
  }

  public enum Task: Sendable {
    case evacuate(Evacuation)
    /// Each machine of the list must end on its host.
    case rearrange([(vm: Int, destination: Int)])
  }

  public var hosts: [Host]
  public var cells: [Cell]
  public var vms: [VM]
  public var groups: [Group]
  /// `allowed[row * hosts.count + host]`: whether the host has what the row asks. Row 0 asks nothing.
  public var allowed: [Bool]
  public var task: Task
  /// Seconds that each operation takes besides the copying.
  public var overhead: Double
  /// Bytes per second of saving and restoring; 0: machines may not be suspended.
  public var storage: Int
  /// Whether a machine may visit a host that is not its destination.
  public var mayBounce: Bool
  /// Machines that may be suspended at a time.
  public var maxSuspended: Int

  public init(
    hosts: [Host], cells: [Cell] = [], vms: [VM], groups: [Group] = [], allowed: [Bool]? = nil, task: Task,
    overhead: Double = 1, storage: Int = 0, mayBounce: Bool = false, maxSuspended: Int = .max
  ) {
    self.hosts = hosts
    self.cells = cells
    self.vms = vms
    self.groups = groups
    self.allowed = allowed ?? [Bool](repeating: true, count: hosts.count)
    self.task = task
    self.overhead = overhead
    self.storage = storage
    self.mayBounce = mayBounce
    self.maxSuspended = maxSuspended
  }
}
