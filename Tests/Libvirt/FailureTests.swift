import BlockingPool
import Libvirt
import Testing

@Suite("Calls of libvirt that fail", .timeLimit(.minutes(10)))
struct FailureTests {
  /// A call, for tables of them.
  struct Call: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var run: @Sendable (LibvirtConnection, DomainReference) async throws(LibvirtError) -> Void
  }

  static let calls: [Call] = [
    Call(testDescription: "create") { c, vm throws(LibvirtError) in try await c.create(vm) },
    Call(testDescription: "shutdown") { c, vm throws(LibvirtError) in try await c.shutdown(vm) },
    Call(testDescription: "destroy") { c, vm throws(LibvirtError) in try await c.destroy(vm) },
    Call(testDescription: "suspend") { c, vm throws(LibvirtError) in try await c.suspend(vm) },
    Call(testDescription: "resume") { c, vm throws(LibvirtError) in try await c.resume(vm) },
    Call(testDescription: "undefine") { c, vm throws(LibvirtError) in
      try await c.undefine(vm, includingManagedSaveAndNVRAMAndSnapshots: true)
    },
    Call(testDescription: "xml") { c, vm throws(LibvirtError) in _ = try await c.xml(of: vm) },
    Call(testDescription: "migrate") { c, vm throws(LibvirtError) in
      try await c.migrate(vm, to: "qemu+tcp://elsewhere/system", options: MigrationOptions())
    },
    Call(testDescription: "abortJob") { c, vm throws(LibvirtError) in try await c.abortJob(vm) },
    Call(testDescription: "completedJob") { c, vm throws(LibvirtError) in _ = try await c.completedJob(of: vm) },
    Call(testDescription: "startPostCopy") { c, vm throws(LibvirtError) in try await c.startPostCopy(vm) },
    Call(testDescription: "setMigrationBandwidth") { c, vm throws(LibvirtError) in
      try await c.setMigrationBandwidth(1, of: vm)
    },
  ]

  static let endless = String(repeating: "x", count: 4 << 20)

  private func failure(
    of body: () async throws(LibvirtError) -> Void, sourceLocation: SourceLocation = #_sourceLocation
  ) async -> LibvirtError? {
    do throws(LibvirtError) {
      try await body()
      Issue.record("it succeeded", sourceLocation: sourceLocation)
      return nil
    } catch {
      return error
    }
  }

  @Test("A VM that is not there is named as the cause, in libvirt's own words", arguments: calls)
  func noSuchVM(call: Call) async throws {
    try await TestHost.with { host in
      let error = await failure { () throws(LibvirtError) in try await call.run(host.connection, .name("nobody")) }
      #expect(error?.isNoDomain == true)
      #expect(error?.code == 42)
      #expect(error?.message == "Domain not found")
      #expect(error?.operation == "virDomainLookupByName")
      #expect(error?.description == "virDomainLookupByName: Domain not found (code 42, domain 12)")
      #expect(error?.isConnectionLost == false)
      #expect(error?.isRetryable == false)
    }
  }

  @Test("A name is never cut at a NUL, nor sent if it is too long", arguments: calls)
  func hostileName(call: Call) async throws {
    try await TestHost.with { host in
      for name in ["one\0", "one\0two", "\0", Self.endless] {
        let error = await failure { () throws(LibvirtError) in try await call.run(host.connection, .name(name)) }
        #expect(error?.code == 8)
        #expect(error?.message.hasPrefix("the VM's name ") == true)
      }
      let untouched = try await host.connection.domain(.name("one"))
      #expect(untouched?.state == .running)
    }
  }

  @Test("A closed connection says so", arguments: calls)
  func closed(call: Call) async throws {
    try await TestHost.with { host in
      #expect(await host.connection.isAlive())
      await host.connection.close()
      await host.connection.close()
      let error = await failure { () throws(LibvirtError) in try await call.run(host.connection, .name("one")) }
      #expect(error?.isConnectionLost == true)
      #expect(error?.isRetryable == true)
      #expect(error?.message == "the connection to \(host.connection.uri) has been closed")
      #expect(await !host.connection.isAlive())
      await #expect(throws: LibvirtError.self) { try await host.connection.events() }
      await #expect(throws: LibvirtError.self) { try await host.connection.domains() }
      await #expect(throws: LibvirtError.self) { try await host.connection.node() }
    }
  }

  @Test(
    "A description that is not one is refused with the place of the fault",
    arguments: [
      ("<domain type='test'>", 35, "Premature end of data"),
      ("", 35, "Document is empty"),
      ("<domain type='test'><name>x</name></domain>", 27, "an os <type> must be specified"),
      ("<domain type='test'><name>x</name>\0</domain>", 8, "contains a NUL character"),
    ])
  func badDescription(xml: String, code: Int32, words: String) async throws {
    try await TestHost.with { host in
      for isTransient in [true, false] {
        let error = await failure { () throws(LibvirtError) in
          _ =
            isTransient
            ? try await host.connection.createTransient(xml: xml) : try await host.connection.define(xml: xml)
        }
        #expect(error?.code == code)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
        #expect(error?.isRetryable == false)
      }
      let domains = try await host.connection.domains()
      #expect(domains.count == 2)
    }
  }

  @Test("A uuid that is none is an error, not an absent VM")
  func badUUID() async throws {
    try await TestHost.with { host in
      let error = await failure { () throws(LibvirtError) in _ = try await host.connection.domain(.uuid("one")) }
      #expect(error?.operation == "virDomainLookupByUUIDString")
      #expect(error?.isNoDomain == false)
    }
  }

  @Test("The test driver migrates nothing and says so; the VM runs on")
  func migration() async throws {
    try await TestHost.with { host in
      let error = await failure { () throws(LibvirtError) in
        try await host.connection.migrate(
          .name("one"), to: "qemu+tcp://elsewhere/system", options: MigrationOptions(live: true, movingDefinition: true)
        )
      }
      #expect(error?.code == 74)
      #expect(error?.isUnsupported == true)
      #expect(error?.isRetryable == false)
      #expect(error?.operation == "virDomainMigrateToURI3")
      #expect(error?.message.contains("p2p migration is not supported") == true)
      let untouched = try await host.connection.domain(.name("one"))
      #expect(untouched?.state == .running)
    }
  }

  @Test("Options of a migration with a NUL in them never reach libvirt")
  func hostileOptions() async throws {
    try await TestHost.with { host in
      var options = MigrationOptions()
      options.migrationURI = "tcp://node2\0.evil"
      let error = await failure { () throws(LibvirtError) in
        try await host.connection.migrate(.name("one"), to: "qemu+tcp://elsewhere/system", options: options)
      }
      #expect(error?.message == "the migrate_uri contains a NUL character")
    }
  }

  @Test("A VM that is not there has no job; a driver without jobs says so")
  func jobs() async throws {
    try await TestHost.with { host in
      let none = try await host.connection.job(of: .name("nobody"))
      #expect(none == nil)
      let error = await failure { () throws(LibvirtError) in _ = try await host.connection.job(of: .name("one")) }
      #expect(error?.isUnsupported == true)
    }
  }

  @Test(
    "A host that cannot be reached says where and why",
    arguments: [
      ("qemu+tcp://127.0.0.1:1/system", "unable to connect to server at '127.0.0.1:1': Connection refused"),
      ("qemu+tcp://a://b", "Unable to parse URI"),
      ("qemu+tcp://127.0.0.1:1/sys\0tem", "the URI contains a NUL character"),
    ])
  func unreachable(uri: String, words: String) async throws {
    let pool = BlockingPool(name: "libvirt", threads: 1)
    let error = await failure { () throws(LibvirtError) in _ = try await LibvirtConnection.open(uri, pool: pool) }
    #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    await pool.shutDown()
  }
}
