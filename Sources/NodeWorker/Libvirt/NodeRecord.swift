/// A host as its libvirt describes it.
public struct NodeRecord: Sendable, Equatable {
  public var hostname: String
  /// KiB.
  public var memory: UInt64
  /// Logical processors that are online.
  public var cpus: Int
  /// The model that libvirt compares when VMs move ("Skylake-Client-IBRS"); the architecture where it names none.
  public var cpuModel: String
  /// "x86_64".
  public var architecture: String
  /// Of the daemon's libvirt, not of ours: "9.0.0".
  public var libvirtVersion: String
  public var hypervisorVersion: String?
  /// The driver's own name: "QEMU", "TEST".
  public var hypervisorType: String
  /// KiB; nil where the driver cannot tell.
  public var freeMemory: UInt64?

  public init(
    hostname: String, memory: UInt64, cpus: Int, cpuModel: String, architecture: String, libvirtVersion: String,
    hypervisorVersion: String? = nil, hypervisorType: String, freeMemory: UInt64? = nil
  ) {
    self.hostname = hostname
    self.memory = memory
    self.cpus = cpus
    self.cpuModel = cpuModel
    self.architecture = architecture
    self.libvirtVersion = libvirtVersion
    self.hypervisorVersion = hypervisorVersion
    self.hypervisorType = hypervisorType
    self.freeMemory = freeMemory
  }
}
