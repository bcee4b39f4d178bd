import ClusterModel

/// How one migration shall go, beside its type; what is nil or false is libvirt's own way.
public struct MigrationTuning: Sendable, Equatable {
  /// Which of the destination's CPUs each virtual CPU may run on there.
  public var vcpuMap: VCPUMap?
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

  public init() {}
}
