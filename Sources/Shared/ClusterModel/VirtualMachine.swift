/// A virtual machine as its host sees it.
public struct VirtualMachine: Sendable, Equatable, Codable {
  /// What libvirt says of a domain, as far as it matters for moving it.
  public enum State: String, Sendable, Codable, CaseIterable {
    case running
    case paused
    /// On its way to this host; it runs at its source.
    case arriving
    case shutOff = "shut off"
    case crashed
    case other

    /// Whether the machine lives on this host, and so must be moved to empty it.
    public var isActive: Bool {
      switch self {
      case .running, .paused, .other: true
      case .arriving, .shutOff, .crashed: false
      }
    }
  }

  public var name: VMName
  public var uuid: String
  public var state: State
  /// Memory that the guest may use at most, KiB.
  public var memoryKiB: Int
  public var vcpus: Int
  /// Whether the host keeps its definition after a stop.
  public var isPersistent: Bool
  /// The process that runs the machine, on its host; nil while it does not run or is not known.
  public var processID: Int?
  /// The job that it takes part in: machines of one job move as one; nil: none, or by itself.
  public var job: JobName?

  public init(
    name: VMName, uuid: String, state: State, memoryKiB: Int, vcpus: Int, isPersistent: Bool = true,
    processID: Int? = nil, job: JobName? = nil
  ) {
    self.name = name
    self.uuid = uuid
    self.state = state
    self.memoryKiB = memoryKiB
    self.vcpus = vcpus
    self.isPersistent = isPersistent
    self.processID = processID
    self.job = job
  }
}

/// What a host offers to virtual machines.
public struct HostCapacity: Sendable, Equatable, Codable {
  /// Memory for guests, KiB: the machine's, less what the configuration reserves for the host itself.
  public var memoryKiB: Int
  public var cpus: Int
  /// Of the network that machines migrate over, MiB/s; nil: not known.
  public var bandwidthMiB: Int?
  /// The rack it stands in: hosts of one rack fail together.
  public var rack: String?
  /// What the host has and others may lack: a CPU model, a network.
  public var labels: [String]

  public init(memoryKiB: Int, cpus: Int, bandwidthMiB: Int? = nil, rack: String? = nil, labels: [String] = []) {
    self.memoryKiB = memoryKiB
    self.cpus = cpus
    self.bandwidthMiB = bandwidthMiB
    self.rack = rack
    self.labels = labels
  }

  /// Memory and CPUs only: what loads are compared with.
  public var room: HostCapacity { HostCapacity(memoryKiB: memoryKiB, cpus: cpus) }

  /// Virtual CPUs that may be promised with overbooking.
  ///
  /// - Parameter ratio: the most for each CPU; nil: any number.
  public func virtualCPUs(atMost ratio: Double?) -> Int {
    // A cluster's CPUs together stay far below this.
    ratio.map { Int(Double(cpus) * min($0, 1e6)) } ?? 1 << 40
  }
}
