import CLibvirt

/// How a VM is moved; always peer-to-peer, so that the source's daemon finishes the move even if its caller dies.
public struct MigrationOptions: Sendable, Equatable {
  /// The guest keeps running while its memory is copied. Without it the VM stands still for the whole copy.
  public var live = true
  /// Only the definition moves, of a VM that does not run. libvirt does not refuse this for a running VM: it copies the
  /// definition and leaves the VM where it is, so ask first. Needs `persistDestination`.
  public var offline = false
  /// The VM arrives paused, whatever it was.
  public var paused = false
  /// The destination keeps a definition.
  public var persistDestination = false
  /// The source forgets the definition once the VM has left.
  public var undefineSource = false
  /// An I/O error of the guest during the move ends the move.
  public var abortOnError = true
  /// Moves disks that libvirt does not know to be shared; they must be.
  public var allowUnsafe = false
  /// MiB/s for the memory; nil: the hypervisor's own limit.
  public var bandwidth: UInt64?
  /// MiB/s after the switch to post-copy.
  public var postCopyBandwidth: UInt64?
  /// Slows the guest's processors until its memory changes more slowly than it is copied.
  public var autoConverge = false
  /// Per cent by which auto-converge slows at first, and then each time more.
  public var autoConvergeInitial: Int32?
  public var autoConvergeIncrement: Int32?
  /// Allows `startPostCopy`; it does not switch by itself.
  public var postCopy = false
  /// Compresses pages that are sent again (xbzrle).
  public var compressed = false
  /// The memory travels over TLS, for which both hypervisors need certificates.
  public var encrypted = false
  /// Copies over so many connections at once; nil: one.
  public var parallelConnections: Int32?
  /// The VM's description at the destination, made from the source's migratable one: what the guest sees must not
  /// differ, but its vCPU pins, for instance, may.
  public var destinationXML: String?
  /// The same for the definition that `persistDestination` leaves; without it that keeps the source's values.
  public var persistentXML: String?
  /// Another name at the destination.
  public var destinationName: String?
  /// Where the memory goes, "tcp://10.0.0.2", "rdma://ib2"; nil: libvirt asks the destination.
  public var migrationURI: String?
  /// The address on which the destination's hypervisor listens; nil: all.
  public var listenAddress: String?

  public init() {}

  /// The usual move of a VM that lives on: one definition afterwards, at the destination, if it had one.
  public init(live: Bool, movingDefinition: Bool) {
    self.live = live
    persistDestination = movingDefinition
    undefineSource = movingDefinition
  }
}

extension MigrationOptions {
  var flags: UInt32 {
    var flags = VIR_MIGRATE_PEER2PEER.rawValue
    for (isSet, flag) in [
      (live, VIR_MIGRATE_LIVE), (offline, VIR_MIGRATE_OFFLINE), (paused, VIR_MIGRATE_PAUSED),
      (persistDestination, VIR_MIGRATE_PERSIST_DEST), (undefineSource, VIR_MIGRATE_UNDEFINE_SOURCE),
      (abortOnError, VIR_MIGRATE_ABORT_ON_ERROR), (allowUnsafe, VIR_MIGRATE_UNSAFE),
      (autoConverge, VIR_MIGRATE_AUTO_CONVERGE), (postCopy, VIR_MIGRATE_POSTCOPY),
      (compressed, VIR_MIGRATE_COMPRESSED), (encrypted, VIR_MIGRATE_TLS),
      (parallelConnections != nil, VIR_MIGRATE_PARALLEL),
    ] where isSet {
      flags |= flag.rawValue
    }
    return flags
  }

  func parameters(for operation: String) throws(LibvirtError) -> TypedParameters {
    var parameters = TypedParameters()
    try parameters.add(VIR_MIGRATE_PARAM_BANDWIDTH, bandwidth, for: operation)
    try parameters.add(VIR_MIGRATE_PARAM_BANDWIDTH_POSTCOPY, postCopyBandwidth, for: operation)
    try parameters.add(VIR_MIGRATE_PARAM_AUTO_CONVERGE_INITIAL, autoConvergeInitial, for: operation)
    try parameters.add(VIR_MIGRATE_PARAM_AUTO_CONVERGE_INCREMENT, autoConvergeIncrement, for: operation)
    try parameters.add(VIR_MIGRATE_PARAM_PARALLEL_CONNECTIONS, parallelConnections, for: operation)
    try parameters.add(VIR_MIGRATE_PARAM_DEST_XML, destinationXML, for: operation)
    try parameters.add(VIR_MIGRATE_PARAM_PERSIST_XML, persistentXML, for: operation)
    try parameters.add(VIR_MIGRATE_PARAM_DEST_NAME, destinationName, for: operation)
    try parameters.add(VIR_MIGRATE_PARAM_URI, migrationURI, for: operation)
    try parameters.add(VIR_MIGRATE_PARAM_LISTEN_ADDRESS, listenAddress, for: operation)
    return parameters
  }
}
