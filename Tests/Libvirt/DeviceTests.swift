import Testing

@testable import Libvirt

@Suite("Devices and notes by way of libvirt", .timeLimit(.minutes(10)))
struct DeviceTests {
  @Test("The PCI devices of a host are listed with address and ids")
  func pciDevices() async throws {
    let device = """
      <device><name>pci_0000_04_1f_1</name><parent>computer</parent><driver><name>vfio-pci</name></driver>
        <capability type='pci'><domain>0</domain><bus>4</bus><slot>31</slot><function>1</function>
          <product id='0x11e8'>edu</product><vendor id='0x1234'/></capability></device>
      """
    try await TestHost.with(devices: device) { host in
      let devices = try await host.connection.pciDevices().filter { $0.vendor == 0x1234 }
      #expect(devices.count == 1)
      #expect(devices.first?.name == "pci_0000_04_1f_1")
      #expect([devices.first?.bus, devices.first?.slot, devices.first?.function] == [4, 31, 1])
      #expect(devices.first?.product == 0x11e8)
    }
    // The test driver keeps no driver.
    #expect(PCIDeviceRecord(xml: device)?.driver == "vfio-pci")
  }

  @Test(
    "What is no PCI device is left out",
    arguments: [
      "", "<device/>", "<device><name>net_eth0</name><capability type='net'/></device>",
      "<device><name>x</name><capability type='pci'><domain>0</domain></capability></device>",
    ])
  func noPCIDevice(xml: String) {
    #expect(PCIDeviceRecord(xml: xml) == nil)
  }

  @Test("A driver that knows no devices says so, and a text that C would cut is refused before")
  func attach() async throws {
    try await TestHost.with { host in
      let unsupported = await #expect(throws: LibvirtError.self) {
        try await host.connection.attachDevice("<shmem name='a'/>", to: .name("one"))
      }
      #expect(unsupported?.isUnsupported == true)
      let cut = await #expect(throws: LibvirtError.self) {
        try await host.connection.detachDevice(alias: "a\0b", from: .name("one"))
      }
      #expect(cut?.message.contains("NUL") == true)
    }
  }

  @Test("A note is left, read, replaced and taken away", arguments: ["one", "two"])
  func metadata(vm: String) async throws {
    try await TestHost.with { host in
      let vm = DomainReference.name(vm)
      func read() async throws -> String? {
        try await host.connection.metadata(of: vm, namespace: "urn:migfra:devices")
      }
      func write(_ element: String?) async throws {
        try await host.connection.setMetadata(element, of: vm, namespace: "urn:migfra:devices", prefix: "migfra")
      }
      #expect(try await read() == nil)
      try await write("<devices><pci id='1'/></devices>")
      let note = try await read()
      #expect(note?.contains("<pci id=\"1\"/>") == true, "\(String(describing: note))")
      let xml = try await host.connection.xml(of: vm)
      #expect(xml.contains("<migfra:devices xmlns:migfra=\"urn:migfra:devices\">"), "\(xml)")
      try await write("<devices/>")
      let replaced = try await read()
      #expect(replaced?.contains("pci") == false)
      try await write(nil)
      #expect(try await read() == nil)
      try await write(nil)
    }
  }

  @Test("A VM without snapshots has none; memory and processors are asked for, where the driver knows")
  func fitness() async throws {
    try await TestHost.with { host in
      let snapshots = try await host.connection.snapshotCount(of: .name("one"))
      #expect(snapshots == 0)
      let memory = await #expect(throws: LibvirtError.self) { try await host.connection.availableMemory() }
      #expect(memory?.isUnsupported == true)
      let cpu = await #expect(throws: LibvirtError.self) { try await host.connection.compare(cpu: "<cpu/>") }
      #expect(cpu?.isUnsupported == true)
    }
  }
}
