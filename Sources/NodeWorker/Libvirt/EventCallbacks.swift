import CLibvirt

/// The C functions that libvirt calls with a connection's events, and their registration.
///
/// They run on libvirt's event thread: each copies what it is given, hands it to its stream and returns, and calls
/// nothing back. Registering and deregistering ask the daemon and belong on the pool.
enum EventCallbacks {
  typealias Continuation = AsyncStream<DomainEvent>.Continuation

  /// What a callback gets as its `opaque`; libvirt holds it until the callback is gone.
  private final class Sink: Sendable {
    let continuation: Continuation

    init(_ continuation: Continuation) { self.continuation = continuation }
  }

  /// Registers for all that a stream hears of, or for nothing.
  /// - Returns: libvirt's numbers, to deregister by.
  static func register(
    _ continuation: Continuation, on connection: ConnectionPointer
  ) throws(LibvirtError) -> [Int32] {
    var numbers: [Int32] = []
    for kind in [VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED] {
      // Released by libvirt when it drops the callback; by us if it never took it.
      let sink = unsafe Unmanaged.passRetained(Sink(continuation)).toOpaque()
      let number =
        switch kind {
        case VIR_DOMAIN_EVENT_ID_LIFECYCLE:
          unsafe clibvirt_register_lifecycle(connection.raw, lifecycle, sink, releaseSink)
        case VIR_DOMAIN_EVENT_ID_JOB_COMPLETED:
          unsafe clibvirt_register_job_completed(connection.raw, jobCompleted, sink, releaseSink)
        default:
          unsafe clibvirt_register_device_removed(connection.raw, deviceRemoved, sink, releaseSink)
        }
      guard number >= 0 else {
        let error = LibvirtError.last("virConnectDomainEventRegisterAny")
        unsafe Unmanaged<Sink>.fromOpaque(sink).release()
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
    guard unsafe virConnectRegisterCloseCallback(connection.raw, closed, opaque, releaseListeners) == 0 else {
      let error = LibvirtError.last("virConnectRegisterCloseCallback")
      unsafe Unmanaged<EventListeners>.fromOpaque(opaque).release()
      throw error
    }
  }

  static func deregisterClose(on connection: ConnectionPointer) {
    // It fails if there is none, and then nothing is left to undo.
    unsafe virConnectUnregisterCloseCallback(connection.raw, closed)
  }

  private static let lifecycle: virConnectDomainEventCallback = { @Sendable _, domain, event, detail, sink in
    guard let domain = unsafe domain else { return 0 }
    let identity = unsafe DomainIdentity(domain)
    let kind = LifecycleKind(libvirt: event)
    unsafe EventCallbacks.yield(
      .lifecycle(uuid: identity.uuid, name: identity.name, kind: kind, detail: detail), to: sink)
    return 0
  }

  private static let jobCompleted: virConnectDomainEventJobCompletedCallback = {
    @Sendable _, domain, parameters, count, sink in
    guard let domain = unsafe domain else { return }
    let identity = unsafe DomainIdentity(domain)
    let job = unsafe JobRecord(completed: TypedParameterReader(parameters, count: count))
    unsafe EventCallbacks.yield(.jobCompleted(uuid: identity.uuid, name: identity.name, job), to: sink)
  }

  private static let deviceRemoved: virConnectDomainEventDeviceRemovedCallback = { @Sendable _, domain, alias, sink in
    guard let domain = unsafe domain, let alias = unsafe alias else { return }
    let identity = unsafe DomainIdentity(domain)
    let name = unsafe String(cString: alias)
    unsafe EventCallbacks.yield(.deviceRemoved(uuid: identity.uuid, name: identity.name, alias: name), to: sink)
  }

  private static let closed: virConnectCloseFunc = { @Sendable _, reason, listeners in
    guard let listeners = unsafe listeners else { return }
    let words =
      switch UInt32(bitPattern: reason) {
      case VIR_CONNECT_CLOSE_REASON_EOF.rawValue: "end of file from the daemon"
      case VIR_CONNECT_CLOSE_REASON_KEEPALIVE.rawValue: "no answer to keepalive messages"
      case VIR_CONNECT_CLOSE_REASON_CLIENT.rawValue: "closed by this side"
      default: "input/output error"
      }
    unsafe Unmanaged<EventListeners>.fromOpaque(listeners).takeUnretainedValue().lost(words)
  }

  private static let releaseSink: virFreeCallback = { @Sendable sink in
    guard let sink = unsafe sink else { return }
    unsafe Unmanaged<Sink>.fromOpaque(sink).release()
  }

  private static let releaseListeners: virFreeCallback = { @Sendable listeners in
    guard let listeners = unsafe listeners else { return }
    unsafe Unmanaged<EventListeners>.fromOpaque(listeners).release()
  }

  private static func yield(_ event: DomainEvent, to sink: UnsafeMutableRawPointer?) {
    guard let sink = unsafe sink else { return }
    unsafe Unmanaged<Sink>.fromOpaque(sink).takeUnretainedValue().continuation.yield(event)
  }
}
