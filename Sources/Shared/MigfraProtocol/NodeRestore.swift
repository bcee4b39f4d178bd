public import ClusterModel

/// `restore node`: the machines that an evacuation took from the host come back.
public struct NodeRestore: Sendable, Equatable {
  /// How each machine travels.
  public var way: VMTravel
  /// Only plan.
  public var isDryRun: Bool

  public init(way: VMTravel = VMTravel(), isDryRun: Bool = false) {
    self.way = way
    self.isDryRun = isDryRun
  }
}

/// `rearrange vms`: machines go where they are wanted, in whatever order their memory allows.
public struct VMRearrangement: Sendable, Equatable {
  /// One machine and its new host.
  public struct Move: Sendable, Equatable {
    public var vm: VMName
    public var destination: HostName

    public init(vm: VMName, destination: HostName) {
      self.vm = vm
      self.destination = destination
    }
  }

  /// At least one.
  public var moves: [Move]
  public var way: VMTravel
  /// Only plan.
  public var isDryRun: Bool

  public init(_ moves: [Move], way: VMTravel = VMTravel(), isDryRun: Bool = false) {
    self.moves = moves
    self.way = way
    self.isDryRun = isDryRun
  }
}

/// How the machines of one operation travel; what the sender leaves open is filled in from the coordinator's defaults.
public struct VMTravel: Sendable, Equatable {
  public var type: MigrationType?
  /// Attempts per step after the first.
  public var retries: Int?
  /// Whether virtual CPUs may exceed a host's CPUs.
  public var overbooking: Bool?
  /// It has no `vcpuMap`: that belongs to one machine.
  public var tuning: MigrationTuning

  public init(
    type: MigrationType? = nil, retries: Int? = nil, overbooking: Bool? = nil,
    tuning: MigrationTuning = MigrationTuning()
  ) {
    self.type = type
    self.retries = retries
    self.overbooking = overbooking
    self.tuning = tuning
  }
}
