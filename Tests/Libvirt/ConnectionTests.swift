import BlockingPool
import Libvirt
import Testing

@Suite("Connections to libvirt", .timeLimit(.minutes(10)))
struct ConnectionTests {
  @Test("The host describes itself")
  func node() async throws {
    try await TestHost.with { host in
      let node = try await host.connection.node()
      #expect(node.cpus == 8)
      #expect(node.memory == 16 << 20)
      #expect(node.architecture == "test-model")
      #expect(!node.hostname.isEmpty)
      #expect(node.hypervisorType == "TEST")
      #expect(node.libvirtVersion.split(separator: ".").count == 3)
    }
  }

  @Test("A driver inside the process has no keepalive, and needs none")
  func keepAlive() async throws {
    try await TestHost.with { host in
      #expect(!host.connection.isKeptAlive)
      #expect(host.connection.uri.hasPrefix("test:///tmp/"))
    }
  }

  // The one test that uses the driver's shared host: it is made anew when its last connection has ended.
  @Test(
    "A connection that is dropped, or closed with a stream open, is really ended", .serialized,
    arguments: [true, false])
  func dropped(closing: Bool) async throws {
    let pool = BlockingPool(name: "libvirt", threads: 2)
    do {
      let connection = try await LibvirtConnection.open("test:///default", pool: pool)
      let events = try await connection.events()
      _ = try await connection.define(xml: TestHost.description("mark"))
      #expect(try await connection.domain(.name("mark")) != nil)
      if closing { await connection.close() }
      _ = events
    }
    // Letting go of a dropped connection is work for the pool.
    await pool.shutDown()
    let connection = try await LibvirtConnection.open("test:///default", pool: pool)
    #expect(try await connection.domain(.name("mark")) == nil)
    await connection.close()
    await pool.shutDown()
  }

  @Test("Calls that run while the connection is closed succeed or are told so")
  func closeUnderLoad() async throws {
    for _ in 0..<50 {
      try await TestHost.with { host in
        await withTaskGroup { group in
          for _ in 0..<6 {
            group.addTask {
              do throws(LibvirtError) {
                for _ in 0..<20 {
                  _ = try await host.connection.domains()
                  for await _ in try await host.connection.events() { break }
                }
                Issue.record("nobody closed it")
              } catch {
                #expect(error.isConnectionLost, "\(error)")
              }
            }
          }
          group.addTask { try? await host.connection.suspend(.name("one")) }
          group.addTask { await host.connection.close() }
        }
      }
    }
  }
}
