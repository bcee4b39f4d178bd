import ClusterModel
import MigfraProtocol
import Testing

@testable import NodeWorkerServices

@Suite("Descriptions of domains (XML)")
struct DomainDescriptionTests {
  private func domain(_ inside: String, vcpu: String = "<vcpu placement='static'>2</vcpu>") throws -> DomainDescription
  {
    try DomainDescription(
      """
      <domain type='kvm'>
        <name>vm1</name>
        <uuid>6dd5a1c8-0000-4000-8000-000000000001</uuid>
        <metadata>
          <x:vcpu xmlns:x='y'>2</x:vcpu>
        </metadata>
        <memory unit='MiB'>64</memory>
        <currentMemory unit='MiB'>32</currentMemory>
        \(vcpu)
        \(inside)
      </domain>
      """)
  }

  @Test("A machine's name and uuid are read")
  func identity() throws {
    let description = try domain("")
    #expect(description.name == "vm1")
    #expect(description.uuid == "6dd5a1c8-0000-4000-8000-000000000001")
  }

  @Test("Pins are added, replaced, and leave the other tunings alone")
  func pins() throws {
    let pins = "<vcpupin vcpu='0' cpuset='4'/><vcpupin vcpu='1' cpuset='5,6'/>"
    var description = try domain("")
    description.setPins([[4], [5, 6]])
    #expect(try description == domain("<cputune>\(pins)</cputune>"))

    description = try domain(
      "<cputune><vcpupin vcpu='0' cpuset='0-3'/><shares>2048</shares><emulatorpin cpuset='1'/></cputune><os/>")
    description.setPins([[4], [5, 6]])
    let expected = "<cputune><shares>2048</shares><emulatorpin cpuset='1'/>\(pins)</cputune><os/>"
    #expect(try description == domain(expected))
  }

  @Test("The job is read whatever its prefix, replaced, and leaves other metadata alone")
  func job() throws {
    let label = "<migfra:job xmlns:migfra='urn:migfra:job'>j 1</migfra:job>"
    var description = try domain("")
    #expect(description.job == nil)
    description.setJob("j 1")
    #expect(description.job == "j 1" && description.text.contains("2</x:vcpu>"))
    let once = description
    description.setJob("j<2>")
    #expect(description.job == "j<2>" && description.text.contains("2</x:vcpu>"))
    description.setJob("j 1")
    #expect(description == once)
    for own in [
      label, "<job xmlns='urn:migfra:job'>\n  j 1\n</job>", "<m:job xmlns:m='urn:migfra:job'>j 1</m:job>",
    ] {
      var labelled = try DomainDescription("<domain><metadata>\(own)</metadata></domain>")
      #expect(labelled.job == "j 1")
      labelled.setJob("j2")
      #expect(labelled.job == "j2" && !labelled.text.contains("j 1"))
    }
    for other in ["<m:job xmlns:m='y'>j</m:job>", "<job>j</job>", "<m:job xmlns:m='urn:migfra:job'/>"] {
      #expect(try DomainDescription("<domain><metadata>\(other)</metadata></domain>").job == nil)
    }
  }

  @Test("Memory is set in KiB, all of it from the start")
  func memory() throws {
    var description = try domain("")
    try description.setMemory(kibibytes: 131072)
    #expect(description.text.contains("<memory unit='KiB'>131072</memory>"))
    #expect(description.text.contains("<currentMemory unit='KiB'>131072</currentMemory>"))
    var divided = try domain("<cpu><numa><cell id='0' cpus='0-1' memory='65536'/></numa></cpu>")
    let error = #expect(throws: HypervisorError.self) { try divided.setMemory(kibibytes: 1024) }
    #expect(error?.code == .refused)
  }

  @Test("Virtual CPUs are set, all of them present")
  func vcpus() throws {
    var description = try domain(
      "<vcpus><vcpu id='0' enabled='yes'/></vcpus>", vcpu: "<vcpu placement='static' cpuset='0-7' current='1'>2</vcpu>")
    description.setVCPUs(4)
    #expect(try description == domain("", vcpu: "<vcpu placement='static' cpuset='0-7'>4</vcpu>"))
  }

  @Test(
    "Memory comes from the named NUMA nodes: one set for all, or one per cell",
    arguments: [
      ([[0, 1]], "<memory mode='strict' nodeset='0,1'/>"),
      (
        [[1], [0, 2]],
        "<memnode cellid='0' mode='strict' nodeset='1'/><memnode cellid='1' mode='strict' nodeset='0,2'/>"
      ),
    ])
  func memoryNodes(map: [[Int]], expected: String) throws {
    for before in ["", "<numatune><memory mode='interleave' nodeset='3'/><memnode cellid='0' nodeset='3'/></numatune>"]
    {
      var description = try domain(before)
      description.setMemoryNodes(map)
      #expect(try description == domain("<numatune>\(expected)</numatune>"))
    }
  }

  @Test("Devices of the host and shared memory are found")
  func devices() throws {
    let description = try domain(
      """
      <devices>
        <hostdev mode='subsystem' type='pci' managed='yes'>
          <driver name='vfio'/>
          <source><address domain='0x0000' bus='0x04' slot='0x1f' function='0x1'/></source>
          <alias name='hostdev0'/>
          <address type='pci' domain='0x0000' bus='0x00' slot='0x05' function='0x0'/>
        </hostdev>
        <hostdev type='pci'><source><address bus='10' slot='2' function='0'/></source></hostdev>
        <hostdev type='pci'><source><address bus='0x100' slot='0x2' function='0x0'/></source></hostdev>
        <interface type='hostdev'><source><address type='pci' bus='0x05' slot='0x00' function='0x2'/></source></interface>
        <interface type='bridge'><source bridge='br0'/></interface>
        <hostdev type='usb'><source><vendor id='0x1'/></source></hostdev>
        <shmem name='a' role='peer'><model type='ivshmem-plain'/><alias name='shmem0'/></shmem>
        <shmem name='b'/>
        <shmem name='c' role='master'/>
      </devices>
      """)
    #expect(description.hostDevices.map(\.source.description) == ["0000:04:1f.1", "0000:0a:02.0"])
    #expect(description.hostDevices.map(\.alias) == ["hostdev0", nil])
    #expect(description.hostDevices.map { $0.place?.description } == ["0000:00:05.0", nil])
    #expect(description.heldAddresses.map(\.description) == ["0000:04:1f.1", "0000:0a:02.0", "0000:05:00.2"])
    #expect(description.hasDevice(alias: "shmem0"))
    #expect(!description.hasDevice(alias: "shmem1"))
    #expect(description.sharedMemory.map(\.name) == ["a", "b", "c"])
    #expect(description.sharedMemory.map(\.isPeer) == [true, true, false])
    #expect(description.sharedMemory.first?.alias == "shmem0")
  }

  @Test("Devices of the host are exchanged by their addresses, all at once, and the rest stays")
  func exchange() throws {
    func device(_ slot: Int) -> String {
      "<hostdev type='pci' managed='yes'><source><address domain='0' bus='0' slot='\(slot)' function='0'/></source></hostdev>"
    }
    func at(_ slot: Int) -> PCIAddress { PCIAddress(domain: 0, bus: 0, slot: slot, function: 0) }
    var description = try domain("<devices>\(device(1))\(device(2))<disk/>\(device(3))</devices>")
    description.moveHostDevices([at(1): at(2), at(2): at(1), at(9): at(3)])
    #expect(try description == domain("<devices>\(device(2))\(device(1))<disk/>\(device(3))</devices>"))
  }

  @Test(
    "What is no domain is refused with its reason",
    arguments: [
      ("<network/>", "<network>"), ("<domain>", "line 1"), ("", "XML"), ("<domain>\0</domain>", "NUL"),
      ("<!DOCTYPE domain [<!ENTITY a 'b'>]><domain>&a;</domain>", "DOCTYPE"),
      ("<domain>\(String(repeating: " ", count: 1 << 20))</domain>", "1048576"),
    ])
  func noDomain(xml: String, reason: String) {
    let error = #expect(throws: HypervisorError.self) { try DomainDescription(xml) }
    #expect(error?.code == .invalidMessage)
    #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
  }
}
