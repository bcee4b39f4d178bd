/// A VM as a host's libvirt sees it.
public struct DomainRecord: Sendable, Equatable {
  public var name: String
  /// In libvirt's spelling: 8-4-4-4-12 lower-case hexadecimal digits.
  public var uuid: String
  /// The number of this run on this host; nil for a VM that was not active when it was looked up, a moment before its state
  /// was asked for.
  public var id: Int?
  public var state: DomainState
  /// Why it is in that state; its meaning depends on the state (`virDomainRunningReason` and its like).
  public var stateReason: Int32
  /// It is the empty shell of a VM that is starting, or that a migration brings: no second copy.
  public var isArriving: Bool
  /// KiB: the most that the guest may use, which is what a host must have for it.
  public var memory: UInt64
  public var vcpus: Int
  /// Its definition stays when it stops.
  public var isPersistent: Bool
  /// Its memory lies in a file of the host and is loaded when it is started next: moving only its definition loses it.
  public var hasManagedSave: Bool

  public init(
    name: String, uuid: String, id: Int? = nil, state: DomainState, stateReason: Int32 = 0, isArriving: Bool = false,
    memory: UInt64, vcpus: Int,
    isPersistent: Bool, hasManagedSave: Bool = false
  ) {
    self.name = name
    self.uuid = uuid
    self.id = id
    self.state = state
    self.stateReason = stateReason
    self.isArriving = isArriving
    self.memory = memory
    self.vcpus = vcpus
    self.isPersistent = isPersistent
    self.hasManagedSave = hasManagedSave
  }

  /// It has a running (or paused) machine, not only a definition. The state says so, which is newer than the number.
  public var isActive: Bool {
    switch state {
    case .running, .blocked, .paused, .shuttingDown, .suspended: true
    case .shutOff: false
    case .crashed, .noState: id != nil
    }
  }
}
