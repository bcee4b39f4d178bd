import CLibvirt

/// A `virDomainPtr`, freed when it goes out of scope. It lives inside one closure on the pool.
@safe
struct DomainHandle: ~Copyable {
  let raw: OpaquePointer

  /// Takes over a pointer that the caller of libvirt must free.
  init(adopting raw: OpaquePointer) {
    unsafe self.raw = unsafe raw
  }

  deinit {
    unsafe virDomainFree(raw)
  }

  static func find(_ reference: DomainReference, on connection: ConnectionPointer) throws(LibvirtError) -> DomainHandle
  {
    let raw: OpaquePointer?
    let operation: String
    switch reference {
    case .name(let name):
      operation = "virDomainLookupByName"
      try checkText(name, "VM's name", for: operation)
      unsafe raw = unsafe virDomainLookupByName(connection.raw, name)
    case .uuid(let uuid):
      operation = "virDomainLookupByUUIDString"
      try checkText(uuid, "VM's uuid", for: operation)
      unsafe raw = unsafe virDomainLookupByUUIDString(connection.raw, uuid)
    }
    guard let raw = unsafe raw else { throw .last(operation) }
    return unsafe DomainHandle(adopting: raw)
  }

  /// Everything about it; a handful of short calls.
  borrowing func record() throws(LibvirtError) -> DomainRecord {
    var info = virDomainInfo()
    guard unsafe virDomainGetInfo(raw, &info) == 0 else { throw .last("virDomainGetInfo") }
    let (state, reason) = try state()
    let isPersistent = unsafe virDomainIsPersistent(raw)
    guard isPersistent >= 0 else { throw .last("virDomainIsPersistent") }
    let identity = unsafe DomainIdentity(raw)
    return DomainRecord(
      name: identity.name, uuid: identity.uuid, id: identity.id, state: state,
      stateReason: reason, isArriving: unsafe Self.isArriving(raw, state, reason), memory: UInt64(info.maxMem),
      vcpus: Int(info.nrVirtCpu), isPersistent: isPersistent == 1,
      hasManagedSave: try hasManagedSave())
  }

  /// What it does, and why; one short call.
  borrowing func state() throws(LibvirtError) -> (DomainState, reason: Int32) {
    var state: Int32 = 0
    var reason: Int32 = 0
    guard unsafe virDomainGetState(raw, &state, &reason, 0) == 0 else { throw .last("virDomainGetState") }
    return (DomainState(libvirt: state), reason)
  }

  /// Whether it is only the shell of a VM that comes. While its memory does, libvirt gives the same reason for its standing still
  /// as at the source, but has statistics for the source only.
  ///
  /// - Parameter raw: only borrowed.
  static func isArriving(_ raw: OpaquePointer, _ state: DomainState, _ reason: Int32) -> Bool {
    switch (state, reason) {
    case (.paused, DomainStateReason.pausedStartingUp): return true
    case (.paused, DomainStateReason.pausedMigrating):
      var kind: Int32 = 0
      var list: virTypedParameterPtr?
      var count: Int32 = 0
      guard unsafe virDomainGetJobStats(raw, &kind, &list, &count, 0) < 0 else {
        unsafe virTypedParamsFree(list, count)
        return false
      }
      return LibvirtError.last("virDomainGetJobStats").has(VIR_ERR_OPERATION_UNSUPPORTED)
    default: return false
    }
  }

  private borrowing func hasManagedSave() throws(LibvirtError) -> Bool {
    let answer = unsafe virDomainHasManagedSaveImage(raw, 0)
    guard answer < 0 else { return answer == 1 }
    let error = LibvirtError.last("virDomainHasManagedSaveImage")
    // A driver that knows no managed save has none.
    if error.isUnsupported { return false }
    throw error
  }
}

/// Who a VM is; libvirt keeps this in the handle, so that reading it asks nobody.
struct DomainIdentity {
  let name: String
  let uuid: String
  let id: Int?

  /// - Parameter raw: a `virDomainPtr`, only borrowed.
  init(_ raw: OpaquePointer) {
    // Both fail only for a handle that is none.
    let name = unsafe virDomainGetName(raw)
    self.name = unsafe name.map { unsafe String(cString: $0) } ?? ""
    uuid = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(VIR_UUID_STRING_BUFLEN)) { buffer in
      guard let base = buffer.baseAddress, unsafe virDomainGetUUIDString(raw, base) == 0 else { return "" }
      return unsafe String(cString: base)
    }
    let id = unsafe virDomainGetID(raw)
    self.id = id == UInt32.max ? nil : Int(id)
  }
}
