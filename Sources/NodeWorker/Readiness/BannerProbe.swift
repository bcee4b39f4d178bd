public import BlockingPool

/// Waits until a guest's SSH server answers: the sign that a guest that was started, or has moved, is there.
///
/// Short attempts, quickly repeated: an attempt that began before the guest had an address waits for retries of ARP and
/// SYN at whole seconds, and sees it late.
public struct BannerProbe: Sendable {
  /// How long a connection that stands may say nothing before a fresh one is tried: a guest that was reset while we were
  /// connected would never tell us.
  private let patience: Duration

  private let pool: BlockingPool

  /// - Parameters:
  ///   - pool: where connecting and reading block, for `connectTimeout` or `pause` at a time; so as many guests
  ///     are watched at once as it has threads, and more of them in turns.
  ///   - patience: how long a connection that stands may say nothing.
  public init(pool: BlockingPool, patience: Duration = .seconds(10)) {
    self.pool = pool
    self.patience = patience
  }

  /// Returns the server's line, "SSH-2.0-OpenSSH_9.2", when it comes.
  ///
  /// - Parameters:
  ///   - host: a name or an address.
  ///   - timeout: of everything.
  ///   - connectTimeout: of one attempt, the host's name included; a slow name server may overstep it.
  ///   - pause: between attempts.
  /// - Throws: `ReadinessError`; after a cancellation within `connectTimeout`.
  public func waitForBanner(
    host: String, port: Int = 22, timeout: Duration, connectTimeout: Duration = .milliseconds(250),
    pause: Duration = .milliseconds(20)
  ) async throws(ReadinessError) -> String {
    if let flaw = Self.flaw(host: host, port: port) {
      throw ReadinessError(kind: .invalidAddress, host: host, port: port, lastCause: flaw)
    }
    let clock = ContinuousClock()
    let start = clock.now
    let deadline = start + timeout
    var attempts = 0
    var cause: String?
    while !Task.isCancelled, clock.now < deadline || attempts == 0 {
      attempts += 1
      switch await attempt(host: host, port: port, until: deadline, connectTimeout: connectTimeout, pause: pause) {
      case .success(let banner): return banner
      case .failure(let reason):
        // What a cancelled attempt says is not why those before it failed.
        if !Task.isCancelled { cause = reason.words }
      }
      // The interval between probes; a cancellation ends it, and the loop sees it.
      try? await clock.sleep(for: min(pause, max(clock.now.duration(to: deadline), .zero)))
    }
    throw ReadinessError(
      kind: Task.isCancelled ? .cancelled : .timedOut, host: host, port: port, waited: start.duration(to: clock.now),
      attempts: attempts, lastCause: cause)
  }

  private struct Reason: Error {
    var words: String
  }

  private func attempt(
    host: String, port: Int, until deadline: ContinuousClock.Instant, connectTimeout: Duration, pause: Duration
  ) async -> Result<String, Reason> {
    let clock = ContinuousClock()
    guard let dialogue = Dialogue() else { return .failure(Reason(words: "libcurl has no memory")) }
    let time = Self.milliseconds(min(connectTimeout, clock.now.duration(to: deadline)))
    if let cause = await pool.run({ dialogue.connect(host: host, port: port, milliseconds: time) }) {
      return .failure(Reason(words: cause))
    }
    var scanner = BannerScanner()
    let end = min(deadline, clock.now + patience)
    while !Task.isCancelled, clock.now < end {
      let slice = Self.milliseconds(min(pause, clock.now.duration(to: end)))
      switch await pool.run({ dialogue.receive(milliseconds: slice) }) {
      case .nothing: continue
      case .failed(let cause): return .failure(Reason(words: cause))
      case .bytes(let bytes):
        switch scanner.feed(bytes) {
        case .incomplete: continue
        case .banner(let banner): return .success(banner)
        case .hopeless: return .failure(Reason(words: "what answers there is no SSH server"))
        }
      }
    }
    return .failure(Reason(words: "connected, but no banner came"))
  }

  /// At least one, since zero means "no limit" to libcurl; at most a day.
  private static func milliseconds(_ duration: Duration) -> Int {
    Int(min(max(duration / .milliseconds(1), 1), 86_400_000).rounded(.up))
  }

  /// The host becomes part of a URL: whatever could mean something else there is refused.
  private static func flaw(host: String, port: Int) -> String? {
    guard (1...65535).contains(port) else { return "a port is a number from 1 to 65535" }
    let allowed = host.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"): true
      case UInt8(ascii: ":"): true
      default: false
      }
    }
    return host.isEmpty || !allowed ? "a host is a name or an address" : nil
  }
}
