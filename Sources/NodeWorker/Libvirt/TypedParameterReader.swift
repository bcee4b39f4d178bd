import CLibvirt

/// Reads a list of named values that belongs to somebody else, as in a callback, and only as long as it does.
///
/// A value of another type than the documented one would be a bug in this file: it stops debug builds and is otherwise
/// taken as absent.
@safe
struct TypedParameterReader: ~Copyable {
  private let raw: UnsafeMutablePointer<virTypedParameter>?
  private let count: Int32

  init(_ raw: UnsafeMutablePointer<virTypedParameter>?, count: Int32) {
    unsafe self.raw = unsafe raw
    self.count = count
  }

  borrowing func unsigned(_ name: String) -> UInt64? {
    var value: UInt64 = 0
    let found = unsafe virTypedParamsGetULLong(raw, count, name, &value)
    return isPresent(found, name) ? value : nil
  }

  borrowing func integer(_ name: String) -> Int32? {
    var value: Int32 = 0
    let found = unsafe virTypedParamsGetInt(raw, count, name, &value)
    return isPresent(found, name) ? value : nil
  }

  borrowing func count32(_ name: String) -> UInt32? {
    var value: UInt32 = 0
    let found = unsafe virTypedParamsGetUInt(raw, count, name, &value)
    return isPresent(found, name) ? value : nil
  }

  borrowing func flag(_ name: String) -> Bool? {
    var value: Int32 = 0
    let found = unsafe virTypedParamsGetBoolean(raw, count, name, &value)
    return isPresent(found, name) ? value != 0 : nil
  }

  borrowing func text(_ name: String) -> String? {
    var value: UnsafePointer<CChar>?
    let found = unsafe virTypedParamsGetString(raw, count, name, &value)
    guard isPresent(found, name), let value = unsafe value else { return nil }
    return unsafe String(cString: value)
  }

  private borrowing func isPresent(_ found: Int32, _ name: String) -> Bool {
    assert(found >= 0, "libvirt's \(name) has another type")
    return found == 1
  }
}
