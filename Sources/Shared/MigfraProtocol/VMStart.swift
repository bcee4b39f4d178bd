public import ClusterModel

/// One entry of `start vm`.
public struct VMStart: Sendable, Equatable {
  /// What is to be started.
  public enum Source: Sendable, Equatable {
    /// A machine that the host knows by name.
    case defined(VMName)
    /// libvirt's domain XML; a transient machine is forgotten when it stops.
    case xml(String, isTransient: Bool)
  }

  public var source: Source
  /// The name that the task gives; an XML's own name is what counts.
  public var name: VMName?
  /// The job that it takes part in; nil: as defined.
  public var job: JobName?
  /// Memory now and at most, KiB; nil: as defined.
  public var memoryKiB: Int?
  /// Virtual CPUs now and at most; nil: as defined.
  public var vcpus: Int?
  /// Which of the host's CPUs each virtual CPU may run on; nil: as defined.
  public var vcpuMap: VCPUMap?
  /// Which of the host's NUMA nodes the memory comes from: one set for the whole machine, or one for each of its cells.
  public var memoryNodes: [[Int]]?
  /// Of each of these types one device that is free on the host is attached.
  public var pciIDs: [PCIDeviceID] = []
  /// These very devices of the host are attached.
  public var devices: [PCIAddress] = []
  public var sharedMemory: SharedMemory?
  /// Whether "started" means that port 22 answers with an SSH banner.
  public var awaitsSSH: Bool
  /// Where the banner is awaited; nil: the machine's name.
  public var probeHostname: String?

  public init(
    source: Source, name: VMName? = nil, memoryKiB: Int? = nil, vcpus: Int? = nil, awaitsSSH: Bool = true,
    probeHostname: String? = nil
  ) {
    self.source = source
    self.name = name
    self.memoryKiB = memoryKiB
    self.vcpus = vcpus
    self.awaitsSSH = awaitsSSH
    self.probeHostname = probeHostname
  }
}
