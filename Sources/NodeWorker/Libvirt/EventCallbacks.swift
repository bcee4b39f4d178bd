import CLibvirt

/// The C functions that libvirt calls with a connection's events, and their registration.
///
/// They run on libvirt's event thread: each copies what it is given, hands it to the streams and returns, and calls
/// nothing back. Registering and deregistering ask the daemon and belong on the pool.
enum EventCallbacks {
  /// Has `listeners` told of everything that streams hear of, or of nothing.
  ///
  /// libvirt takes each callback once per connection, so several streams share them.
  /// - Returns: libvirt's numbers, to deregister by.
  static func register(
    _ listeners: EventListeners, on connection: ConnectionPointer
  ) throws(LibvirtError) -> [Int32] {
    var numbers: [Int32] = []
    for kind in [VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED] {
      // Released by libvirt when it drops the callback; by us if it never took it.
      let opaque = unsafe Unmanaged.passRetained(listeners).toOpaque()
      let number =
        switch kind {
        case VIR_DOMAIN_EVENT_ID_LIFECYCLE:
          unsafe clibvirt_register_lifecycle(connection.raw, lifecycle, opaque, release)
        case VIR_DOMAIN_EVENT_ID_JOB_COMPLETED:
          unsafe clibvirt_register_job_completed(connection.raw, jobCompleted, opaque, release)
        default:
          unsafe clibvirt_register_device_removed(connection.raw, deviceRemoved, opaque, release)
        }
      guard number >= 0 else {
        let error = LibvirtError.last("virConnectDomainEventRegisterAny")
        unsafe Unmanaged<EventListeners>.fromOpaque(opaque).release()
        deregister(numbers, on: connection)
        throw error
      }
      numbers.append(number)
    }
    return numbers
  }

  static func deregister(_ numbers: [Int32], on connection: ConnectionPointer) {
    for number in numbers {
      // It fails on a connection that is lost, where libvirt has dropped the callback on our side all the same.
      unsafe virConnectDomainEventDeregisterAny(connection.raw, number)
    }
  }

  /// Has `listeners` told of the connection's loss; a connection has room for one such callback.
  static func registerClose(_ listeners: EventListeners, on connection: ConnectionPointer) throws(LibvirtError) {
    let opaque = unsafe Unmanaged.passRetained(listeners).toOpaque()
    guard unsafe virConnectRegisterCloseCallback(connection.raw, closed, opaque, release) == 0 else {
      let error = LibvirtError.last("virConnectRegisterCloseCallback")
      unsafe Unmanaged<EventListeners>.fromOpaque(opaque).release()
      throw error
    }
  }

  static func deregisterClose(on connection: ConnectionPointer) {
    // It fails if there is none, and then nothing is left to undo.
    unsafe virConnectUnregisterCloseCallback(connection.raw, closed)
  }

  private static let lifecycle: virConnectDomainEventCallback = { @Sendable _, domain, event, detail, listeners in
    guard let domain = unsafe domain else { return 0 }
    let identity = unsafe DomainIdentity(domain)
    let kind = LifecycleKind(libvirt: event)
    unsafe EventCallbacks.listeners(listeners)?
      .yield(.lifecycle(uuid: identity.uuid, name: identity.name, kind: kind, detail: detail))
    return 0
  }

  private static let jobCompleted: virConnectDomainEventJobCompletedCallback = {
    @Sendable _, domain, parameters, count, listeners in
    guard let domain = unsafe domain else { return }
    let identity = unsafe DomainIdentity(domain)
    let job = unsafe JobRecord(completed: TypedParameterReader(parameters, count: count))
    unsafe EventCallbacks.listeners(listeners)?
      .yield(.jobCompleted(uuid: identity.uuid, name: identity.name, job))
  }

  private static let deviceRemoved: virConnectDomainEventDeviceRemovedCallback = {
    @Sendable _, domain, alias, listeners in
    guard let domain = unsafe domain, let alias = unsafe alias else { return }
    let identity = unsafe DomainIdentity(domain)
    let name = unsafe String(cString: alias)
    unsafe EventCallbacks.listeners(listeners)?
      .yield(.deviceRemoved(uuid: identity.uuid, name: identity.name, alias: name))
  }

  private static let closed: virConnectCloseFunc = { @Sendable _, reason, listeners in
    let words =
      switch UInt32(bitPattern: reason) {
      case VIR_CONNECT_CLOSE_REASON_EOF.rawValue: "end of file from the daemon"
      case VIR_CONNECT_CLOSE_REASON_KEEPALIVE.rawValue: "no answer to keepalive messages"
      case VIR_CONNECT_CLOSE_REASON_CLIENT.rawValue: "closed by this side"
      default: "input/output error"
      }
    unsafe EventCallbacks.listeners(listeners)?.lost(words)
  }

  private static let release: virFreeCallback = { @Sendable opaque in
    guard let opaque = unsafe opaque else { return }
    unsafe Unmanaged<EventListeners>.fromOpaque(opaque).release()
  }

  private static func listeners(_ opaque: UnsafeMutableRawPointer?) -> EventListeners? {
    guard let opaque = unsafe opaque else { return nil }
    return unsafe Unmanaged<EventListeners>.fromOpaque(opaque).takeUnretainedValue()
  }
}
