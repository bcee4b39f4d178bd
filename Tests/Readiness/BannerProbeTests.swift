import BlockingPool
import Readiness
import Testing

@Suite("Waiting for a guest's SSH banner", .timeLimit(.minutes(10)))
struct BannerProbeTests {
  private let pool = BlockingPool(name: "readiness", threads: 2)

  private func banner(
    from server: GuestServer, host: String = "127.0.0.1", timeout: Duration = .seconds(20)
  ) async throws(ReadinessError) -> String {
    try await BannerProbe(pool: pool).waitForBanner(host: host, port: server.port, timeout: timeout)
  }

  @Test(
    "The banner is found, whatever comes before it and however it is cut",
    arguments: [
      ["SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"],
      ["SSH-2.0-OpenSSH_9.2p1 Debian-2\n"],
      ["S", "SH-2.0-OpenSSH_9.2p1 ", "Debian-2\r", "\n"],
      ["Authorised use only.\r\n", "no SSH-1 here\r\nSSH-2.0-OpenSSH_9.2p1 Debian-2\r\nand more\r\n"],
      [String(repeating: "junk\n", count: 1600), "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"],
    ])
  func found(pieces: [String]) async throws {
    let server = try GuestServer { _ in .init(pieces: pieces, holds: true) }
    // With all the time of a busy machine, so that one visit must do.
    let found = try await BannerProbe(pool: pool, patience: .seconds(100)).waitForBanner(
      host: "127.0.0.1", port: server.port, timeout: .seconds(110), connectTimeout: .seconds(100))
    #expect(found == "SSH-2.0-OpenSSH_9.2p1 Debian-2")
    #expect(server.visitors == 1)
    await server.stop()
  }

  @Test("A name is looked up")
  func name() async throws {
    let server = try GuestServer { _ in .init(pieces: ["SSH-2.0-named\r\n"]) }
    #expect(try await banner(from: server, host: "localhost") == "SSH-2.0-named")
    await server.stop()
  }

  @Test("A guest that closes, or sends something else, is asked again until it is ready")
  func later() async throws {
    let server = try GuestServer { visitor in
      switch visitor {
      case 1: .init()
      case 2: .init(pieces: ["SSH-2.0-cut off"])
      case 3: .init(pieces: [String(repeating: "x", count: 9000)])
      default: .init(pieces: ["SSH-2.0-ready\r\n"])
      }
    }
    #expect(try await banner(from: server) == "SSH-2.0-ready")
    #expect(server.visitors == 4)
    await server.stop()
  }

  @Test("A guest whose server is not up yet is found when it is")
  func refusedAtFirst() async throws {
    let server = try GuestServer(isListening: false) { _ in .init(pieces: ["SSH-2.0-up\r\n"]) }
    async let found = banner(from: server)
    try await Task.sleep(for: .milliseconds(60))  // the time the guest takes to boot
    try server.open()
    #expect(try await found == "SSH-2.0-up")
    await server.stop()
  }

  @Test("A guest that refuses is given up in time, and the error says so")
  func refused() async throws {
    let server = try GuestServer(isListening: false) { _ in .init() }
    let error = await #expect(throws: ReadinessError.self) {
      try await banner(from: server, timeout: .milliseconds(500))
    }
    #expect(error?.kind == .timedOut)
    #expect(error?.host == "127.0.0.1")
    #expect(error?.port == server.port)
    #expect(error?.lastCause == "connection refused")
    #expect((error?.waited ?? .zero) >= .milliseconds(500))
    #expect((error?.attempts ?? 0) >= 1)
    await server.stop()
  }

  @Test("A guest that connects and says nothing is given up in time, on one connection")
  func silent() async throws {
    let server = try GuestServer { _ in .init(holds: true) }
    let error = await #expect(throws: ReadinessError.self) {
      try await banner(from: server, timeout: .milliseconds(500))
    }
    #expect(error?.kind == .timedOut)
    #expect(error?.lastCause == "connected, but no banner came")
    #expect(server.visitors <= 1)
    await server.stop()
  }

  @Test("A guest that always closes is asked again and again, and reported as such")
  func closing() async throws {
    let server = try GuestServer { _ in .init() }
    let wait = Task { () async throws -> String in try await banner(from: server, timeout: .seconds(600)) }
    while server.visitors < 3 { await Task.yield() }
    wait.cancel()
    let result = await wait.result
    let error = #expect(throws: ReadinessError.self) { try result.get() }
    #expect(error?.kind == .cancelled)
    #expect(error?.lastCause == "the connection was closed before the banner")
    await server.stop()
  }

  @Test("An address that does not answer costs an attempt its own limit, not libcurl's five minutes")
  func blackHole() async throws {
    let hole = try BlackHole()
    let clock = ContinuousClock()
    let start = clock.now
    let error = await #expect(throws: ReadinessError.self) {
      try await BannerProbe(pool: pool).waitForBanner(
        host: "127.0.0.1", port: hole.port, timeout: .milliseconds(300), connectTimeout: .milliseconds(100))
    }
    #expect(error?.lastCause?.hasPrefix("no answer within") == true)
    #expect(start.duration(to: clock.now) < .seconds(60))
    hole.close()
  }

  @Test("Cancelling ends the wait long before its time", arguments: [true, false])
  func cancelled(isListening: Bool) async throws {
    let server = try GuestServer(isListening: isListening) { _ in .init(holds: true) }
    let clock = ContinuousClock()
    let start = clock.now
    let wait = Task { () async throws -> String in try await banner(from: server, timeout: .seconds(600)) }
    try await Task.sleep(for: .milliseconds(50))  // so that it is somewhere in the middle
    wait.cancel()
    let result = await wait.result
    #expect(throws: ReadinessError.self) { try result.get() }
    if case .failure(let error as ReadinessError) = result {
      #expect(error.kind == .cancelled)
    }
    #expect(start.duration(to: clock.now) < .seconds(60))
    await server.stop()
  }

  @Test(
    "What cannot be an address is refused before anything is tried",
    arguments: [
      ("", 22), ("user@guest", 22), ("guest/path", 22), ("guest?x", 22), ("gu est", 22), ("[::1]", 22), ("g\u{0}", 22),
      ("guest", 0), ("guest", -1), ("guest", 65536), ("gäst", 22),
    ])
  func invalid(host: String, port: Int) async {
    let error = await #expect(throws: ReadinessError.self) {
      try await BannerProbe(pool: pool).waitForBanner(host: host, port: port, timeout: .seconds(600))
    }
    #expect(error?.kind == .invalidAddress)
    #expect(error?.attempts == 0)
  }

  @Test(
    "The error's text says where, how long, how often and why",
    arguments: [
      (
        ReadinessError(
          kind: .timedOut, host: "vm1", port: 22, waited: .milliseconds(5040), attempts: 12,
          lastCause: "connection refused"), "no SSH banner from vm1:22 within 5.0 s (12 tries): connection refused"
      ),
      (
        ReadinessError(kind: .timedOut, host: "vm1", port: 22, waited: .milliseconds(960), attempts: 1),
        "no SSH banner from vm1:22 within 1.0 s (1 try)"
      ),
      (
        ReadinessError(
          kind: .cancelled, host: "vm1", port: 22, waited: .milliseconds(250), attempts: 2, lastCause: "x"),
        "the wait for an SSH banner from vm1:22 was cancelled after 0.3 s (2 tries): x"
      ),
      (
        ReadinessError(kind: .invalidAddress, host: "a b", port: 0, lastCause: "why"),
        "a b:0 is no address to look for an SSH server at: why"
      ),
    ])
  func text(error: ReadinessError, text: String) {
    #expect(error.description == text)
  }

  @Test("More guests than threads are watched in turns")
  func turns() async throws {
    let silent = try GuestServer { _ in .init(holds: true) }
    let ready = try GuestServer { _ in .init(pieces: ["SSH-2.0-ready\r\n"]) }
    let waits = (0..<6).map { _ in
      Task { () async throws -> String in try await banner(from: silent, timeout: .seconds(600)) }
    }
    #expect(try await banner(from: ready) == "SSH-2.0-ready")
    for wait in waits { wait.cancel() }
    for wait in waits { _ = await wait.result }
    await silent.stop()
    await ready.stop()
  }
}
