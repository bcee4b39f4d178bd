public import ClusterModel

/// `evacuate node`; what the sender leaves open is filled in from the coordinator's defaults.
public struct NodeEvacuation: Sendable, Equatable {
  /// Hosts to be emptied in the same plan, beside the task's own.
  public var hosts: [HostName]
  public var destinations: [HostName]
  public var mode: PlacementMode?
  public var migrationType: MigrationType?
  public var overbooking: Bool?
  /// With overbooking, the most virtual CPUs for each CPU.
  public var cpuRatio: Double?
  public var retries: Int?
  public var bestEffort: Bool?
  public var deadline: Deadline?
  /// For each machine's migration; it has no `vcpuMap`.
  public var tuning: MigrationTuning
  /// Only plan.
  public var isDryRun: Bool

  public init(
    hosts: [HostName] = [], destinations: [HostName] = [], mode: PlacementMode? = nil,
    migrationType: MigrationType? = nil, overbooking: Bool? = nil, cpuRatio: Double? = nil, retries: Int? = nil,
    bestEffort: Bool? = nil, deadline: Deadline? = nil,
    tuning: MigrationTuning = MigrationTuning(),
    isDryRun: Bool = false
  ) {
    self.hosts = hosts
    self.destinations = destinations
    self.mode = mode
    self.migrationType = migrationType
    self.overbooking = overbooking
    self.cpuRatio = cpuRatio
    self.retries = retries
    self.bestEffort = bestEffort
    self.deadline = deadline
    self.tuning = tuning
    self.isDryRun = isDryRun
  }
}

/// When an evacuation shall be over, and what is done if it is not.
public struct Deadline: Sendable, Equatable, Codable {
  /// What becomes of the machines that have not moved by then.
  public enum Policy: String, Sendable, Codable, CaseIterable {
    /// They stay, and the answer names them.
    case report
    /// They move as `warm`: they stand still for their copy, which always ends.
    case warm
  }

  /// After the task was taken.
  public var seconds: Int
  public var policy: Policy

  public init(seconds: Int, policy: Policy = .report) {
    self.seconds = seconds
    self.policy = policy
  }
}
