import CLibvirt

/// What a host's libvirt reports by itself.
public enum DomainEvent: Sendable, Equatable {
  /// A VM has been defined, started, stopped, and so on. `detail` says why, in libvirt's numbers for that kind.
  case lifecycle(uuid: String, name: String, kind: LifecycleKind, detail: Int32)
  /// A long operation has ended well; reported on the host where it ran, for a migration the source, right after
  /// `stopped`. One that was aborted or failed is not reported so.
  case jobCompleted(uuid: String, name: String, JobRecord)
  /// The guest has let go of a device, and only now it is free.
  case deviceRemoved(uuid: String, name: String, alias: String)
  /// The connection is gone, and the stream ends. What happened since is unknown: open another one and list everything.
  case connectionClosed(reason: String)
}

/// What has happened to a VM (`virDomainEventType`).
public enum LifecycleKind: String, Sendable {
  case defined, undefined, started
  /// It stands still.
  case suspended
  case resumed, stopped
  /// The guest has powered off by itself; `stopped` follows.
  case shutdown
  /// The guest has put itself to sleep (ACPI S3).
  case powerManagementSuspended
  case crashed
  /// Something that a newer libvirt reports.
  case other

  init(libvirt code: Int32) {
    self =
      switch UInt32(bitPattern: code) {
      case VIR_DOMAIN_EVENT_DEFINED.rawValue: .defined
      case VIR_DOMAIN_EVENT_UNDEFINED.rawValue: .undefined
      case VIR_DOMAIN_EVENT_STARTED.rawValue: .started
      case VIR_DOMAIN_EVENT_SUSPENDED.rawValue: .suspended
      case VIR_DOMAIN_EVENT_RESUMED.rawValue: .resumed
      case VIR_DOMAIN_EVENT_STOPPED.rawValue: .stopped
      case VIR_DOMAIN_EVENT_SHUTDOWN.rawValue: .shutdown
      case VIR_DOMAIN_EVENT_PMSUSPENDED.rawValue: .powerManagementSuspended
      case VIR_DOMAIN_EVENT_CRASHED.rawValue: .crashed
      default: .other
      }
  }
}
