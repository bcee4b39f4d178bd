public import ClusterModel
public import MigfraProtocol

/// One attempt to move one machine, with nothing left open.
public struct MigrationOrder: Sendable, Equatable {
  public var vm: VMName
  public var destination: HostName
  public var type: MigrationType
  public var tuning: MigrationTuning
  /// False: it is too late to begin; one that was begun before is waited for, and the machine may be there already.
  public var mayBegin: Bool
  /// The worker's last run had it: it may have been begun, and ended in the middle.
  public var isRecalled: Bool
  /// For those who watch the progress.
  public var task: TaskID?

  public init(
    vm: VMName, destination: HostName, type: MigrationType, tuning: MigrationTuning = MigrationTuning(),
    mayBegin: Bool = true, isRecalled: Bool = false, task: TaskID? = nil
  ) {
    self.vm = vm
    self.destination = destination
    self.type = type
    self.tuning = tuning
    self.mayBegin = mayBegin
    self.isRecalled = isRecalled
    self.task = task
  }
}
