import CLibvirt

/// A call of libvirt that failed, in libvirt's own words.
public struct LibvirtError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The C function that failed, "virDomainMigrateToURI3".
  public var operation: String
  /// libvirt's number for the kind of failure (`virErrorNumber`).
  public var code: Int32
  /// The part of libvirt that reports it (`virErrorDomain`): 10 is QEMU, 7 the connection to a daemon.
  public var domain: Int32
  /// What libvirt says, unchanged, because people and programs compare it.
  public var message: String
  /// The connection on which the call was made is gone: every later call on it fails alike, open another one.
  ///
  /// Found by asking the connection, not by the code: a peer-to-peer migration reports *its* lost connection, between
  /// the two daemons, with the same codes while ours stands.
  public var isConnectionLost: Bool

  public init(operation: String, code: Int32, domain: Int32, message: String, isConnectionLost: Bool = false) {
    self.operation = operation
    self.code = code
    self.domain = domain
    self.message = message
    self.isConnectionLost = isConnectionLost
  }

  public var description: String { "\(operation): \(message) (code \(code), domain \(domain))" }

  /// There is no VM of that name or uuid on the host.
  public var isNoDomain: Bool { has(VIR_ERR_NO_DOMAIN) }

  /// The VM's state does not allow it: it does not run, it runs already, another job is at work.
  public var isOperationInvalid: Bool { has(VIR_ERR_OPERATION_INVALID) }

  /// Somebody has aborted the job, by `abortJob` for instance.
  public var isOperationAborted: Bool { has(VIR_ERR_OPERATION_ABORTED) }

  /// The driver, or its version, cannot do this at all.
  public var isUnsupported: Bool {
    has(VIR_ERR_NO_SUPPORT, VIR_ERR_ARGUMENT_UNSUPPORTED, VIR_ERR_OPERATION_UNSUPPORTED, VIR_ERR_CONFIG_UNSUPPORTED)
  }

  /// The same call may succeed another time though nobody has changed the VM, its description or a permission.
  ///
  /// Wide on purpose: libvirt reports most of what goes wrong inside a hypervisor as "operation failed" or "internal
  /// error", passing troubles and lasting ones alike. How often to try is the caller's affair.
  public var isRetryable: Bool {
    isConnectionLost
      || has(
        VIR_ERR_INTERNAL_ERROR, VIR_ERR_OPERATION_FAILED, VIR_ERR_SYSTEM_ERROR, VIR_ERR_RPC, VIR_ERR_NO_CONNECT,
        VIR_ERR_OPERATION_TIMEOUT, VIR_ERR_AGENT_UNRESPONSIVE, VIR_ERR_RESOURCE_BUSY, VIR_ERR_NO_MEMORY)
  }

  func has(_ numbers: virErrorNumber...) -> Bool {
    numbers.contains { code == Int32($0.rawValue) }
  }
}

extension LibvirtError {
  /// The error that the call just made has left behind.
  ///
  /// libvirt keeps it per thread and forgets it at the next call: read it on the next line, on the same thread.
  static func last(_ operation: String) -> LibvirtError {
    guard let error = unsafe virGetLastError() else {
      return LibvirtError(
        operation: operation, code: Int32(VIR_ERR_INTERNAL_ERROR.rawValue), domain: 0,
        message: "libvirt reports a failure without saying why")
    }
    let message = unsafe error.pointee.message.map { unsafe String(cString: $0) }
    return unsafe LibvirtError(
      operation: operation, code: error.pointee.code, domain: error.pointee.domain,
      message: message ?? "libvirt gives no message")
  }

  /// A value of ours that libvirt must not see, as C would cut it or the daemon refuse it without a reason.
  static func invalidArgument(_ operation: String, _ message: String) -> LibvirtError {
    LibvirtError(
      operation: operation, code: Int32(VIR_ERR_INVALID_ARG.rawValue), domain: 0, message: message)
  }
}
