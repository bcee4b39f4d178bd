import Libvirt
import Testing

@Suite("Events from libvirt", .timeLimit(.minutes(10)))
struct EventTests {
  /// What has happened to one VM, until it is over.
  private func kinds(
    of name: String, in events: AsyncStream<DomainEvent>, until last: LifecycleKind
  ) async -> [LifecycleKind] {
    var seen: [LifecycleKind] = []
    for await case .lifecycle(_, name, let kind, _) in events {
      seen.append(kind)
      if kind == last { break }
    }
    return seen
  }

  @Test("Each step of a VM's life is reported, in order")
  func life() async throws {
    try await TestHost.with { host in
      let connection = host.connection
      let events = try await connection.events()
      let vm = DomainReference.name("three")
      let uuid = try await connection.define(xml: TestHost.description("three")).uuid
      try await connection.create(vm)
      try await connection.suspend(vm)
      try await connection.resume(vm)
      try await connection.destroy(vm)
      try await connection.undefine(vm, includingManagedSaveAndNVRAMAndSnapshots: true)
      var seen: [DomainEvent] = []
      for await event in events {
        seen.append(event)
        if case .lifecycle(_, _, .undefined, _) = event { break }
      }
      let expected: [(LifecycleKind, Int32)] = [
        (.defined, 0), (.started, 0), (.suspended, 0), (.resumed, 0), (.stopped, 1), (.undefined, 0),
      ]
      #expect(seen == expected.map { .lifecycle(uuid: uuid, name: "three", kind: $0.0, detail: $0.1) })
    }
  }

  @Test("Several streams hear the same, and one that ends takes nothing from the others")
  func several() async throws {
    try await TestHost.with { host in
      let first = try await host.connection.events()
      let second = try await host.connection.events()
      try await host.connection.suspend(.name("one"))
      #expect(await kinds(of: "one", in: first, until: .suspended) == [.suspended])
      // `first` has no reader any more.
      try await host.connection.resume(.name("one"))
      #expect(await kinds(of: "one", in: second, until: .resumed) == [.suspended, .resumed])
    }
  }

  @Test("After the last stream has ended a new one works")
  func again() async throws {
    try await TestHost.with { host in
      for _ in 0..<20 {
        let events = try await host.connection.events()
        try await host.connection.suspend(.name("one"))
        try await host.connection.resume(.name("one"))
        #expect(await kinds(of: "one", in: events, until: .resumed) == [.suspended, .resumed])
      }
    }
  }

  @Test("Nothing is dropped while nobody reads")
  func unread() async throws {
    try await TestHost.with { host in
      let events = try await host.connection.events()
      for _ in 0..<2000 {
        try await host.connection.suspend(.name("one"))
        try await host.connection.resume(.name("one"))
      }
      try await host.connection.destroy(.name("one"))
      #expect(await kinds(of: "one", in: events, until: .stopped).count == 4001)
    }
  }

  @Test("Closing the connection ends the streams without a word")
  func closed() async throws {
    try await TestHost.with { host in
      let events = try await host.connection.events()
      let reader = Task { await events.reduce(into: []) { $0.append($1) } }
      await host.connection.close()
      #expect(await reader.value == [])
    }
  }

  @Test("Streams that come and go at once do not get into each other's way")
  func crowd() async throws {
    try await TestHost.with { host in
      try await withThrowingTaskGroup { group in
        for number in 0..<50 {
          group.addTask {
            let events = try await host.connection.events()
            let name = "vm\(number)"
            _ = try await host.connection.createTransient(xml: TestHost.description(name))
            #expect(await kinds(of: name, in: events, until: .started) == [.started])
          }
        }
        try await group.waitForAll()
      }
      let events = try await host.connection.events()
      try await host.connection.destroy(.name("one"))
      #expect(await kinds(of: "one", in: events, until: .stopped).last == .stopped)
    }
  }
}
