import CLibvirt
import Glibc

extension LibvirtConnection {
  /// The VM, or nil when there is none of that name or uuid.
  public func domain(_ reference: DomainReference) async throws(LibvirtError) -> DomainRecord? {
    do throws(LibvirtError) {
      return try await perform(on: reference) { domain throws(LibvirtError) in try domain.record() }
    } catch  where error.isNoDomain {
      return nil
    }
  }

  /// Makes a VM's definition known to the host, or replaces it (`virDomainDefineXMLFlags`); it is not started.
  public func define(xml: String) async throws(LibvirtError) -> DomainRecord {
    try await perform { connection throws(LibvirtError) in
      let operation = "virDomainDefineXMLFlags"
      try checkText(xml, "VM's description", for: operation)
      guard let raw = unsafe virDomainDefineXMLFlags(connection.raw, xml, 0) else { throw .last(operation) }
      return try unsafe DomainHandle(adopting: raw).record()
    }
  }

  /// Starts a VM that is defined (`virDomainCreateWithFlags`).
  /// - Parameter paused: its processors wait for `resume`.
  public func create(_ reference: DomainReference, paused: Bool = false) async throws(LibvirtError) {
    try await perform(on: reference) { domain throws(LibvirtError) in
      guard unsafe virDomainCreateWithFlags(domain.raw, Self.startFlags(paused: paused)) == 0 else {
        throw .last("virDomainCreateWithFlags")
      }
    }
  }

  /// Starts a VM that the host forgets when it stops (`virDomainCreateXML`).
  public func createTransient(xml: String, paused: Bool = false) async throws(LibvirtError) -> DomainRecord {
    try await perform { connection throws(LibvirtError) in
      let operation = "virDomainCreateXML"
      try checkText(xml, "VM's description", for: operation)
      guard let raw = unsafe virDomainCreateXML(connection.raw, xml, Self.startFlags(paused: paused)) else {
        throw .last(operation)
      }
      return try unsafe DomainHandle(adopting: raw).record()
    }
  }

  /// Asks the guest to power off (`virDomainShutdown`); whether it does is its affair.
  public func shutdown(_ reference: DomainReference) async throws(LibvirtError) {
    try await perform(on: reference) { domain throws(LibvirtError) in
      guard unsafe virDomainShutdown(domain.raw) == 0 else { throw .last("virDomainShutdown") }
    }
  }

  /// Takes the power away (`virDomainDestroyFlags`).
  /// - Parameter gracefully: the hypervisor may write out what it holds; if it does not end, this fails.
  public func destroy(_ reference: DomainReference, gracefully: Bool = false) async throws(LibvirtError) {
    try await perform(on: reference) { domain throws(LibvirtError) in
      let flags = gracefully ? VIR_DOMAIN_DESTROY_GRACEFUL.rawValue : 0
      guard unsafe virDomainDestroyFlags(domain.raw, flags) == 0 else { throw .last("virDomainDestroyFlags") }
    }
  }

  /// Makes the host forget the VM's definition (`virDomainUndefineFlags`); one that runs goes on as a transient one.
  ///
  /// - Parameter including: its saved memory, firmware variables and the records of its snapshots go as well. Without
  ///   it a VM that has any of these is refused.
  public func undefine(
    _ reference: DomainReference, includingManagedSaveAndNVRAMAndSnapshots including: Bool
  ) async throws(LibvirtError) {
    let common = VIR_DOMAIN_UNDEFINE_MANAGED_SAVE.rawValue | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA.rawValue
    let all =
      common | VIR_DOMAIN_UNDEFINE_NVRAM.rawValue | VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA.rawValue
    try await undefine(reference, trying: including ? [all, common] : [0])
  }

  /// Makes the host forget the VM's definition and nothing else: firmware variables and the state of a TPM, which may lie on
  /// storage that another host uses, stay; one with saved memory or records of snapshots is refused.
  public func undefineAlone(_ reference: DomainReference) async throws(LibvirtError) {
    let all = VIR_DOMAIN_UNDEFINE_KEEP_NVRAM.rawValue | VIR_DOMAIN_UNDEFINE_KEEP_TPM.rawValue
    try await undefine(reference, trying: [all, VIR_DOMAIN_UNDEFINE_KEEP_NVRAM.rawValue, 0])
  }

  /// A driver that has no such thing as firmware variables refuses the flag, before it does anything: then the next are tried.
  private func undefine(_ reference: DomainReference, trying choices: [UInt32]) async throws(LibvirtError) {
    try await perform(on: reference) { domain throws(LibvirtError) in
      for (index, flags) in choices.enumerated() {
        if unsafe virDomainUndefineFlags(domain.raw, flags) == 0 { return }
        let error = LibvirtError.last("virDomainUndefineFlags")
        guard index < choices.count - 1, error.has(VIR_ERR_INVALID_ARG) else { throw error }
      }
    }
  }

  /// Stops the VM's processors, its memory stays (`virDomainSuspend`); one that is paused stays so.
  public func suspend(_ reference: DomainReference) async throws(LibvirtError) {
    try await perform(on: reference) { domain throws(LibvirtError) in
      if try domain.state().0 == .paused { return }
      guard unsafe virDomainSuspend(domain.raw) == 0 else { throw .last("virDomainSuspend") }
    }
  }

  /// Lets a paused VM go on (`virDomainResume`); one that runs does so.
  public func resume(_ reference: DomainReference) async throws(LibvirtError) {
    try await perform(on: reference) { domain throws(LibvirtError) in
      if try domain.state().0 == .running { return }
      guard unsafe virDomainResume(domain.raw) == 0 else { throw .last("virDomainResume") }
    }
  }

  /// The VM's description (`virDomainGetXMLDesc`).
  ///
  /// - Parameters:
  ///   - migratable: as another host's libvirt understands it: the base of `MigrationOptions.destinationXML`.
  ///   - inactive: as it will be at the next start, not as it is now.
  ///   - secure: passwords included, which a description for another host needs if the VM has any.
  public func xml(
    of reference: DomainReference, migratable: Bool = false, inactive: Bool = false, secure: Bool = false
  ) async throws(LibvirtError) -> String {
    var flags: UInt32 = 0
    if migratable { flags |= VIR_DOMAIN_XML_MIGRATABLE.rawValue }
    if inactive { flags |= VIR_DOMAIN_XML_INACTIVE.rawValue }
    if secure { flags |= VIR_DOMAIN_XML_SECURE.rawValue }
    return try await perform(on: reference) { [flags] domain throws(LibvirtError) in
      guard let text = unsafe virDomainGetXMLDesc(domain.raw, flags) else { throw .last("virDomainGetXMLDesc") }
      defer { unsafe free(text) }
      return unsafe String(cString: text)
    }
  }

  private static func startFlags(paused: Bool) -> UInt32 {
    paused ? VIR_DOMAIN_START_PAUSED.rawValue : 0
  }
}
