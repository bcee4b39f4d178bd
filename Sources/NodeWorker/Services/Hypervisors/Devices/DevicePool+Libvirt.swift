import ClusterModel
import Libvirt
import MigfraProtocol
import NodeWorkerCore

extension DevicePool {
  /// The PCI devices of a host, and the active machines that have them, as its libvirt knows both at this moment.
  static func of(_ host: HostName, _ connection: LibvirtConnection) async throws(HypervisorError) -> DevicePool {
    do throws(LibvirtError) {
      let devices = try await connection.pciDevices()
      var holders: [PCIAddress: VMName] = [:]
      for domain in try await connection.domains() where domain.isActive {
        let xml = try await connection.domainXML(.uuid(domain.uuid))
        // What libvirt writes can be read.
        guard let xml, let description = try? DomainDescription(xml) else { continue }
        for address in description.heldAddresses { holders[address] = VMName(rawValue: domain.name) }
      }
      return DevicePool(host: host, devices: devices.map(Device.init), holders: holders)
    } catch {
      throw HypervisorError(error, while: "looking for PCI devices on \(host)")
    }
  }
}

extension DevicePool.Device {
  init(_ record: PCIDeviceRecord) {
    address = PCIAddress(record)
    id = PCIDeviceID(vendor: record.vendor, device: record.product)
    driver = record.driver
  }
}

extension LibvirtConnection {
  /// nil: the machine has gone since it was listed.
  fileprivate func domainXML(_ reference: DomainReference) async throws(LibvirtError) -> String? {
    do throws(LibvirtError) {
      return try await xml(of: reference)
    } catch  where error.isNoDomain {
      return nil
    }
  }
}
