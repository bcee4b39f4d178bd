import Libvirt
import Testing

@Suite("Sizes, pins and saved VMs by way of libvirt", .timeLimit(.minutes(10)))
struct TuningTests {
  @Test("The pins of a running VM are set, and shown in its description")
  func pins() async throws {
    try await TestHost.with { host in
      try await host.connection.pin(.name("one"), to: [[3], [4, 5]], hostCPUs: 8)
      let xml = try await host.connection.xml(of: .name("one"))
      #expect(xml.contains("<vcpupin vcpu='0' cpuset='3'/>"), "\(xml)")
      #expect(xml.contains("<vcpupin vcpu='1' cpuset='4-5'/>"), "\(xml)")
    }
  }

  @Test("Pins for a virtual CPU that the VM does not have are refused")
  func pinsBeyond() async throws {
    try await TestHost.with { host in
      _ = await #expect(throws: LibvirtError.self) {
        try await host.connection.pin(.name("one"), to: [[0], [1], [2]], hostCPUs: 8)
      }
    }
  }

  @Test("Memory and processors of a definition, up and down", arguments: [(131072, 4), (32768, 1)])
  func sizes(memory: UInt64, vcpus: Int) async throws {
    try await TestHost.with { host in
      try await host.connection.define(memory: memory, of: .name("two"))
      try await host.connection.define(vcpus: vcpus, of: .name("two"))
      let record = try #require(try await host.connection.domain(.name("two")))
      #expect(record.memory == memory)
      #expect(record.vcpus == vcpus)
      try await host.connection.create(.name("two"))
      #expect(try await host.connection.domain(.name("two"))?.vcpus == vcpus)
    }
  }

  @Test("A VM is saved; what the driver cannot do with its image is an error")
  func saving() async throws {
    try await TestHost.with { host in
      let file = try TemporaryFile("")
      defer { file.remove() }
      try await host.connection.save(.name("one"), to: file.path)
      #expect(try await host.connection.domain(.name("one"))?.isActive == false)
      // libvirt's driver for tests loads nothing paused; offline migrations in the lab do.
      do throws(LibvirtError) {
        try await host.connection.restorePaused(from: file.path)
        Issue.record("loaded")
      } catch {
        #expect(error.operation == "virDomainRestoreFlags" && error.message.contains("unsupported flags"), "\(error)")
      }
      #expect(try await host.connection.domain(.name("one"))?.isActive == false)
    }
  }
}
