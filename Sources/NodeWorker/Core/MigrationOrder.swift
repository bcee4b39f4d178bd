public import ClusterModel
public import MigfraProtocol

/// One attempt to move one machine, with nothing left open.
public struct MigrationOrder: Sendable, Equatable {
  public var vm: VMName
  public var destination: HostName
  public var type: MigrationType
  public var tuning: MigrationTuning
  /// For those who watch the progress.
  public var task: TaskID?

  public init(
    vm: VMName, destination: HostName, type: MigrationType, tuning: MigrationTuning = MigrationTuning(),
    task: TaskID? = nil
  ) {
    self.vm = vm
    self.destination = destination
    self.type = type
    self.tuning = tuning
    self.task = task
  }
}
