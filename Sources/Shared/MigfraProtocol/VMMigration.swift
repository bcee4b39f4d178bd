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
  /// The machine of the destination that comes here in exchange.
  public var partner: SwapPartner?

  public init(
    vm: VMName, destination: HostName, type: MigrationType? = nil, retries: Int? = nil,
    tuning: MigrationTuning = MigrationTuning(), partner: SwapPartner? = nil
  ) {
    self.vm = vm
    self.destination = destination
    self.type = type
    self.retries = retries
    self.tuning = tuning
    self.partner = partner
  }
}

/// `swap-with`: the other machine of an exchange.
public struct SwapPartner: Sendable, Equatable {
  public var vm: VMName
  public var hookProcesses: HookProcesses?
  public var vcpuMap: VCPUMap?

  public init(vm: VMName, hookProcesses: HookProcesses? = nil, vcpuMap: VCPUMap? = nil) {
    self.vm = vm
    self.hookProcesses = hookProcesses
    self.vcpuMap = vcpuMap
  }
}
