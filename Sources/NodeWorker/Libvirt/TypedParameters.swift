import CLibvirt

/// A list of named values that this side builds for a call, or that a call has given to this side to free.
@safe
struct TypedParameters: ~Copyable {
  private var raw: UnsafeMutablePointer<virTypedParameter>?
  private(set) var count: Int32
  private var capacity: Int32

  /// An empty list to build.
  init() {
    unsafe raw = nil
    count = 0
    capacity = 0
  }

  /// Takes over a list that libvirt has allocated.
  init(adopting raw: UnsafeMutablePointer<virTypedParameter>?, count: Int32) {
    unsafe self.raw = unsafe raw
    self.count = count
    capacity = count
  }

  deinit {
    unsafe virTypedParamsFree(raw, count)
  }

  /// Adds nothing when there is no value.
  mutating func add(_ name: String, _ value: String?, for operation: String) throws(LibvirtError) {
    guard let value else { return }
    try checkText(value, name, for: operation)
    guard unsafe virTypedParamsAddString(&raw, &count, &capacity, name, value) == 0 else {
      throw .last("virTypedParamsAddString")
    }
  }

  mutating func add(_ name: String, _ value: UInt64?, for operation: String) throws(LibvirtError) {
    guard let value else { return }
    guard unsafe virTypedParamsAddULLong(&raw, &count, &capacity, name, value) == 0 else {
      throw .last("virTypedParamsAddULLong")
    }
  }

  mutating func add(_ name: String, _ value: Int32?, for operation: String) throws(LibvirtError) {
    guard let value else { return }
    guard unsafe virTypedParamsAddInt(&raw, &count, &capacity, name, value) == 0 else {
      throw .last("virTypedParamsAddInt")
    }
  }

  /// The list as C wants it, for the length of `body`.
  borrowing func withPointer<T>(
    _ body: (UnsafeMutablePointer<virTypedParameter>?, UInt32) throws(LibvirtError) -> T
  ) throws(LibvirtError) -> T {
    try unsafe body(raw, UInt32(count))
  }

  /// Reads the list, for the length of `body`.
  borrowing func read<T>(_ body: (borrowing TypedParameterReader) -> T) -> T {
    unsafe body(TypedParameterReader(raw, count: count))
  }
}
