import CLibvirt
import Glibc

extension LibvirtConnection {
  /// What a program has left in the VM's description under its namespace (`virDomainGetMetadata`), as an element without
  /// the prefix; nil: nothing.
  public func metadata(of reference: DomainReference, namespace: String) async throws(LibvirtError) -> String? {
    try await perform(on: reference) { domain throws(LibvirtError) in
      let operation = "virDomainGetMetadata"
      try checkText(namespace, "namespace", for: operation)
      let element = Int32(VIR_DOMAIN_METADATA_ELEMENT.rawValue)
      let flags = VIR_DOMAIN_AFFECT_CURRENT.rawValue
      guard let text = unsafe virDomainGetMetadata(domain.raw, element, namespace, flags) else {
        let error = LibvirtError.last(operation)
        if error.has(VIR_ERR_NO_DOMAIN_METADATA) { return nil }
        throw error
      }
      defer { unsafe free(text) }
      return unsafe String(cString: text)
    }
  }

  /// Leaves a note in the description of a VM as it is now (`virDomainSetMetadata`): a running VM takes it along when it
  /// migrates and drops it when it stops, its definition does not change.
  ///
  /// - Parameters:
  ///   - element: one XML element; nil removes the note.
  ///   - prefix: of the namespace, in the description.
  public func setMetadata(
    _ element: String?, of reference: DomainReference, namespace: String, prefix: String
  ) async throws(LibvirtError) {
    try await perform(on: reference) { domain throws(LibvirtError) in
      let operation = "virDomainSetMetadata"
      for text in [element ?? "", namespace, prefix] { try checkText(text, "metadata", for: operation) }
      let kind = Int32(VIR_DOMAIN_METADATA_ELEMENT.rawValue)
      let flags = VIR_DOMAIN_AFFECT_CURRENT.rawValue
      guard unsafe virDomainSetMetadata(domain.raw, kind, element, prefix, namespace, flags) == 0 else {
        throw .last(operation)
      }
    }
  }

  /// How many snapshots libvirt keeps a record of (`virDomainSnapshotNum`); a VM with any of them cannot migrate.
  public func snapshotCount(of reference: DomainReference) async throws(LibvirtError) -> Int {
    try await perform(on: reference) { domain throws(LibvirtError) in
      let count = unsafe virDomainSnapshotNum(domain.raw, 0)
      guard count >= 0 else { throw .last("virDomainSnapshotNum") }
      return Int(count)
    }
  }
}
