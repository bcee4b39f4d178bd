import Libvirt
import Testing

@Suite("VMs by way of libvirt", .timeLimit(.minutes(10)))
struct DomainTests {
  @Test("All VMs are listed, active or not")
  func list() async throws {
    try await TestHost.with { host in
      let records = try await host.connection.domains().sorted { $0.name < $1.name }
      #expect(
        records == [
          DomainRecord(
            name: "one", uuid: TestHost.running, id: 1, state: .running, memory: 1 << 20, vcpus: 2,
            isPersistent: true),
          DomainRecord(
            name: "two", uuid: TestHost.stopped, state: .shutOff, memory: 65536, vcpus: 1, isPersistent: true),
        ])
      #expect(records.map(\.isActive) == [true, false])
    }
  }

  @Test("The list and the single question agree")
  func agreement() async throws {
    try await TestHost.with { host in
      _ = try await host.connection.createTransient(xml: TestHost.description("three", vcpus: 3))
      let listed = try await host.connection.domains()
      #expect(listed.count == 3)
      for record in listed {
        #expect(try await host.connection.domain(.uuid(record.uuid)) == record)
        #expect(try await host.connection.domain(.name(record.name)) == record)
      }
    }
  }

  @Test(
    "A VM that is not there is nil, not an error",
    arguments: [
      DomainReference.name("nobody"), .name(""), .name("ONE"), .uuid("4b8c2d0e-0000-4000-8000-00000000ffff"),
    ])
  func absent(reference: DomainReference) async throws {
    try await TestHost.with { host in
      let found = try await host.connection.domain(reference)
      #expect(found == nil)
    }
  }

  @Test("A persistent VM lives from its definition to its end")
  func persistentLife() async throws {
    try await TestHost.with { host in
      let connection = host.connection
      let vm = DomainReference.name("three")
      let defined = try await connection.define(xml: TestHost.description("three", vcpus: 3, memory: 131072))
      #expect(defined.name == "three")
      #expect(defined.state == .shutOff)
      #expect(defined.id == nil)
      #expect(defined.isPersistent)
      #expect(defined.memory == 131072)
      #expect(defined.vcpus == 3)

      try await connection.create(vm)
      #expect(try await connection.domain(vm)?.state == .running)
      try await connection.suspend(vm)
      let paused = try await connection.domain(vm)
      #expect(paused?.state == .paused)
      #expect(paused?.stateReason == DomainStateReason.pausedByUser)
      try await connection.resume(vm)
      #expect(try await connection.domain(vm)?.state == .running)
      try await connection.shutdown(vm)
      #expect(try await connection.domain(vm)?.state == .shutOff)
      try await connection.undefine(vm, includingManagedSaveAndNVRAMAndSnapshots: false)
      #expect(try await connection.domain(vm) == nil)
    }
  }

  @Test("A transient VM is forgotten when its power is taken away", arguments: [true, false])
  func transientLife(gracefully: Bool) async throws {
    try await TestHost.with { host in
      let record = try await host.connection.createTransient(xml: TestHost.description("three"))
      #expect(!record.isPersistent)
      #expect(record.isActive)
      try await host.connection.destroy(.uuid(record.uuid), gracefully: gracefully)
      #expect(try await host.connection.domain(.uuid(record.uuid)) == nil)
    }
  }

  @Test("A running VM whose definition is taken away goes on as a transient one", arguments: [true, false])
  func undefineRunning(including: Bool) async throws {
    try await TestHost.with { host in
      try await host.connection.undefine(.name("one"), includingManagedSaveAndNVRAMAndSnapshots: including)
      let record = try await host.connection.domain(.name("one"))
      #expect(record?.state == .running)
      #expect(record?.isPersistent == false)
      #expect(try await host.connection.domains().first { $0.name == "one" }?.isPersistent == false)
    }
  }

  @Test("A VM's description can be read and used again")
  func xml() async throws {
    try await TestHost.with { host in
      let text = try await host.connection.xml(of: .name("one"))
      #expect(text.contains("<name>one</name>"))
      #expect(text.contains("id='1'"))
      let inactive = try await host.connection.xml(of: .name("one"), migratable: true, inactive: true, secure: true)
      #expect(!inactive.contains("id='1'"))
      #expect(try await host.connection.define(xml: inactive).uuid == TestHost.running)
    }
  }

  @Test("What one VM costs does not stop many: a hundred are listed at once")
  func many() async throws {
    try await TestHost.with { host in
      try await withThrowingTaskGroup { group in
        for number in 0..<100 {
          group.addTask {
            _ = try await host.connection.createTransient(xml: TestHost.description("vm\(number)"))
          }
        }
        try await group.waitForAll()
      }
      let records = try await host.connection.domains()
      #expect(Set(records.map(\.name)).count == 102)
      #expect(records.filter(\.isActive).count == 101)
    }
  }
}
