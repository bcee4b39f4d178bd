import CLibvirt
import Glibc

extension LibvirtConnection {
  /// All devices on the host's PCI bus (`virConnectListAllNodeDevices`), one short call each.
  public func pciDevices() async throws(LibvirtError) -> [PCIDeviceRecord] {
    try await perform { connection throws(LibvirtError) in
      var list: UnsafeMutablePointer<OpaquePointer?>?
      let wanted = UInt32(VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV.rawValue)
      let count = unsafe virConnectListAllNodeDevices(connection.raw, &list, wanted)
      guard count >= 0, let list = unsafe list else { throw .last("virConnectListAllNodeDevices") }
      // The array is ours, and so is each handle in it.
      defer {
        for index in 0..<Int(count) { unsafe virNodeDeviceFree(list[index]) }
        unsafe free(list)
      }
      var records: [PCIDeviceRecord] = []
      for index in 0..<Int(count) {
        guard let text = unsafe virNodeDeviceGetXMLDesc(list[index], 0) else {
          let error = LibvirtError.last("virNodeDeviceGetXMLDesc")
          if error.has(VIR_ERR_NO_NODE_DEVICE) { continue }  // it was pulled out since
          throw error
        }
        defer { unsafe free(text) }
        if let record = unsafe PCIDeviceRecord(xml: String(cString: text)) { records.append(record) }
      }
      return records
    }
  }

  /// Gives a running VM a device, until it stops or the device is taken away (`virDomainAttachDeviceFlags`).
  /// - Parameter xml: the element as in a VM's description, `<hostdev …>`.
  public func attachDevice(_ xml: String, to reference: DomainReference) async throws(LibvirtError) {
    try await perform(on: reference) { domain throws(LibvirtError) in
      let operation = "virDomainAttachDeviceFlags"
      try checkText(xml, "device's description", for: operation)
      guard unsafe virDomainAttachDeviceFlags(domain.raw, xml, VIR_DOMAIN_AFFECT_LIVE.rawValue) == 0 else {
        throw .last(operation)
      }
    }
  }

  /// Asks the guest of a running VM to let go of a device (`virDomainDetachDeviceAlias`), and does not wait for it:
  /// `DomainEvent.deviceRemoved` says that it did, so listen to events before asking.
  /// - Parameter alias: the device's name in the description of the running VM, "hostdev0".
  public func detachDevice(alias: String, from reference: DomainReference) async throws(LibvirtError) {
    try await perform(on: reference) { domain throws(LibvirtError) in
      let operation = "virDomainDetachDeviceAlias"
      try checkText(alias, "device's name", for: operation)
      guard unsafe virDomainDetachDeviceAlias(domain.raw, alias, VIR_DOMAIN_AFFECT_LIVE.rawValue) == 0 else {
        throw .last(operation)
      }
    }
  }
}
