import CLibvirt

/// A `virConnectPtr`.
@safe
struct ConnectionPointer: Sendable {
  /// libvirt's documentation allows one connection to be used by several threads at once; it locks inside.
  nonisolated(unsafe) let raw: OpaquePointer

  /// Keeps the connection in being until the matching `release`.
  func retain() {
    unsafe virConnectRef(raw)
  }

  /// May talk to the daemon, if it is the last: only on a thread that may block.
  func release() {
    unsafe virConnectClose(raw)
  }

  var isAlive: Bool { unsafe virConnectIsAlive(raw) == 1 }
}
