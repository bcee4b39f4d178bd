public import ClusterModel

/// `migrate vm`.
public struct VMMigration: Sendable, Equatable {
  public var vm: VMName
  public var destination: HostName
  /// nil: the worker's default.
  public var type: MigrationType?
  /// Attempts after the first; nil: the worker's default.
  public var retries: Int?
  public var tuning: MigrationTuning

  public init(
    vm: VMName, destination: HostName, type: MigrationType? = nil, retries: Int? = nil,
    tuning: MigrationTuning = MigrationTuning()
  ) {
    self.vm = vm
    self.destination = destination
    self.type = type
    self.retries = retries
    self.tuning = tuning
  }
}
