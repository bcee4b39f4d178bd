import CLibvirt

/// What a VM does at the moment (`virDomainState`).
public enum DomainState: String, Sendable {
  /// The driver cannot tell.
  case noState
  case running
  /// Waits for something outside (Xen).
  case blocked
  /// Stands still with its memory in place: by an operator, by a migration, by an I/O error; see the reason.
  case paused
  /// The guest has been asked to power off and is about to.
  case shuttingDown
  case shutOff
  case crashed
  /// The guest has put itself to sleep (ACPI S3).
  case suspended

  init(libvirt code: Int32) {
    self =
      switch UInt32(bitPattern: code) {
      case VIR_DOMAIN_RUNNING.rawValue: .running
      case VIR_DOMAIN_BLOCKED.rawValue: .blocked
      case VIR_DOMAIN_PAUSED.rawValue: .paused
      case VIR_DOMAIN_SHUTDOWN.rawValue: .shuttingDown
      case VIR_DOMAIN_SHUTOFF.rawValue: .shutOff
      case VIR_DOMAIN_CRASHED.rawValue: .crashed
      case VIR_DOMAIN_PMSUSPENDED.rawValue: .suspended
      default: .noState
      }
  }
}

/// The reasons that tell a VM on the move from one that stands or runs for good; each is valid with its state only.
public enum DomainStateReason {
  /// With `paused`: an operator wants it so.
  public static let pausedByUser = Int32(VIR_DOMAIN_PAUSED_USER.rawValue)
  /// With `paused`: not a VM yet but the shell of one that is starting, or *arriving*.
  public static let pausedStartingUp = Int32(VIR_DOMAIN_PAUSED_STARTING_UP.rawValue)
  /// With `paused`: a migration's source while it stands still for it, its destination until it runs there or vanishes, and a VM
  /// that was loaded from an image and told to wait.
  public static let pausedMigrating = Int32(VIR_DOMAIN_PAUSED_MIGRATION.rawValue)
}
