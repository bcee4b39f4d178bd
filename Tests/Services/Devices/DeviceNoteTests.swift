import MigfraProtocol
import Testing
import XML

@testable import NodeWorkerServices

@Suite("The note about devices that were taken off")
struct DeviceNoteTests {
  private let description = """
    <domain>
      <devices>
        <hostdev mode='subsystem' type='pci' managed='yes'>
          <driver name='vfio'/>
          <source><address domain='0x0000' bus='0x00' slot='0x10' function='0x0'/></source>
          <alias name='hostdev0'/>
          <address type='pci' domain='0x0000' bus='0x00' slot='0x05' function='0x0'/>
        </hostdev>
        <shmem name='piece' role='peer'>
          <model type='ivshmem-plain'/>
          <size unit='M'>4</size>
          <alias name='shmem0'/>
          <address type='pci' domain='0x0000' bus='0x00' slot='0x06' function='0x0'/>
        </shmem>
      </devices>
    </domain>
    """

  private func devices() throws -> [MovableDevice] {
    let domain = try DomainDescription(description)
    let device = try #require(domain.hostDevices.first)
    let piece = try #require(domain.sharedMemory.first)
    return [
      MovableDevice(
        kind: .pci(PCIDeviceID(vendor: 0x1234, device: 0x11e8)), place: try #require(device.place),
        element: device.element),
      MovableDevice(kind: .sharedMemory, place: try #require(piece.place), element: piece.element),
    ]
  }

  @Test("It is read as it was written, without libvirt's names of the devices")
  func roundTrip() throws {
    let note = DeviceNote(try devices())
    #expect(DeviceNote(note.text) == note)
    #expect(!note.text.contains("alias"))
    #expect(note.devices.map(\.name) == ["PCI device 1234:11e8 (0000:00:10.0)", "shared memory piece"])
  }

  @Test("A successor differs in the host's address only; the guest finds it where the old one was")
  func successor() throws {
    let device = try devices()[0]
    let other = PCIAddress(domain: 0, bus: 4, slot: 1, function: 2)
    let successor = try #require(HostDevice(device.element(from: other)))
    #expect(successor.source == other)
    #expect(successor.place == device.place)
    #expect(successor.element.first("driver")?["name"] == "vfio")
    #expect(device.element(from: nil) == device.element)
  }

  @Test(
    "What is none of ours is no note, and what it says of other things is ignored",
    arguments: [
      ("", nil), ("<x/>", nil), ("<devices/>", 0), ("<devices><pci vendor='x' device='1'><a/></pci></devices>", 0),
      ("<devices><pci vendor='1' device='1'><hostdev/></pci><usb/></devices>", 0),
    ] as [(String, Int?)])
  func foreign(xml: String, count: Int?) {
    #expect(DeviceNote(xml)?.devices.count == count)
  }
}
