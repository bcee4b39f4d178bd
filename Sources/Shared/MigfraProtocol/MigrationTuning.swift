import ClusterModel
public import YAML

/// How one migration shall go, beside its type; what is nil or false is libvirt's own way.
public struct MigrationTuning: Sendable, Equatable {
  /// Which of the destination's CPUs each virtual CPU may run on there.
  public var vcpuMap: VCPUMap?
  /// Whose connections are closed before, and opened after.
  public var hookProcesses: HookProcesses?
  /// The memory travels over RDMA where both hosts can, else over TCP.
  public var usesRDMA = false
  /// How the source's libvirt reaches the destination's; nil: as configured.
  public var transport: LibvirtTransport?
  /// At most so fast, MiB/s.
  public var bandwidth: Int?
  /// The guest is slowed down as far as its memory would not be copied otherwise.
  public var autoConverges = false
  /// After the first pass over its memory the guest goes on at the destination and fetches the rest from there. From then
  /// on the loss of either host is the loss of the machine.
  public var postCopies = false
  /// Streams side by side.
  public var parallelConnections: Int?
  /// Pages that were sent before are sent as differences (XBZRLE).
  public var compresses = false
  /// After so many seconds it is given up, and the machine stays where it is.
  public var timeout: Int?
  /// The last step may stop the guest for so long, milliseconds.
  public var downtimeLimit: Int?
  /// What is done when the guest writes faster than its memory is copied; nil: as configured.
  public var nonConvergence: NonConvergence?
  /// Of an offline migration, only this part; nil: the whole.
  public var offlineStage: OfflineStage?

  public init() {}
}

/// The processes of a job whose connections are closed for the time of a migration.
public enum HookProcesses: Sendable, Hashable, Codable {
  /// So many; 0: none.
  case count(Int)
  /// Those that have announced themselves.
  case announced
}

/// What is done about a guest that writes faster than its memory is copied.
public enum NonConvergence: String, Sendable, CaseIterable, YAMLReadable {
  /// The copy goes on until the task's timeout.
  case wait
  /// The last step may stop the guest for longer and longer, up to 10 s.
  case downtime
  /// The guest goes on at the destination and fetches the rest.
  case postCopy = "post-copy"
  /// The machine stays where it is.
  case giveUp = "give-up"
}

/// Parts of an offline migration, for exchanges that need the machine out of the way for a while. All are asked of the
/// source's worker.
public enum OfflineStage: String, Sendable, CaseIterable, YAMLReadable {
  /// The machine is saved and kept; its job's connections stay closed.
  case save
  /// What was saved goes on at the destination.
  case restore
  /// What was saved goes on where it was.
  case goHome = "go-home"
}

/// How one host's libvirt speaks with another's; never pasted from a task into a URI.
public enum LibvirtTransport: String, Sendable, CaseIterable, YAMLReadable {
  case ssh
  case libssh
  case libssh2
  case tcp
  case tls
  case unix
}
