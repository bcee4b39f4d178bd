import Foundation
import Glibc
import Synchronization

/// A cable between a client and a server on 127.0.0.1 that can be cut, or be silent: connect to `port` instead of the
/// server's.
public final class Link: Sendable {
  private enum Mode: Sendable {
    case passing
    /// Nothing goes through, and nobody is told: a host without power.
    case silent
    /// Everything is closed, and new connections too.
    case cut
    case over
  }

  public let port: Int
  private let serverPort: Int
  private let listener: Int32
  private let mode = Mutex(Mode.passing)
  /// Asks the thread to close what is open.
  private let generation = Mutex(0)
  private let isOver = DispatchSemaphore(value: 0)

  public init(to serverPort: Int) throws {
    self.serverPort = serverPort
    (listener, port) = try Loopback.listen()
    let thread = Thread { [self] in
      run()
      isOver.signal()
    }
    thread.start()
  }

  /// Ends its thread; a link that is not closed lives as long as the process.
  public func close() {
    mode.withLock { $0 = .over }
    isOver.wait()
  }

  /// Closes all connections and refuses new ones until `mend`.
  public func cut() {
    mode.withLock { $0 = .cut }
    settle()
  }

  /// Closes all connections; new ones are welcome.
  public func interrupt() {
    generation.withLock { $0 += 1 }
    settle()
  }

  /// Passes nothing on until `mend`; what was sent meanwhile arrives then.
  public func silence() {
    mode.withLock { $0 = .silent }
  }

  public func mend() {
    mode.withLock { $0 = .passing }
  }

  /// How many connections stand.
  public var connections: Int { open.withLock { $0 } }
  private let open = Mutex(0)

  /// Waits until the thread has closed everything.
  private func settle() {
    let end = ContinuousClock.now + .seconds(5)
    while connections > 0, .now < end { usleep(500) }
  }

  private func run() {
    var pairs: [(client: Int32, server: Int32)] = []
    var seen = 0
    defer {
      for pair in pairs { Self.close(pair) }
      Glibc.close(listener)
    }
    while true {
      let mode = mode.withLock { $0 }
      let generation = generation.withLock { $0 }
      if mode == .over { return }
      if mode == .cut || generation != seen {
        seen = generation
        for pair in pairs { Self.close(pair) }
        pairs = []
        open.withLock { $0 = 0 }
      }
      var descriptors = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
      if mode == .passing {
        for pair in pairs {
          descriptors.append(pollfd(fd: pair.client, events: Int16(POLLIN), revents: 0))
          descriptors.append(pollfd(fd: pair.server, events: Int16(POLLIN), revents: 0))
        }
      }
      _ = unsafe poll(&descriptors, nfds_t(descriptors.count), 1)
      if descriptors[0].revents != 0 {
        let client = accept(listener, nil, nil)
        if mode == .cut {
          Glibc.close(client)
        } else if let server = try? Loopback.connect(to: serverPort) {
          pairs.append((client, server))
          open.withLock { $0 += 1 }
        } else {
          Glibc.close(client)
        }
      }
      var dead: [Int] = []
      for (index, pair) in pairs.enumerated() where 2 * index + 2 < descriptors.count {
        let isAlive =
          (descriptors[2 * index + 1].revents == 0 || Self.pass(from: pair.client, to: pair.server))
          && (descriptors[2 * index + 2].revents == 0 || Self.pass(from: pair.server, to: pair.client))
        if !isAlive { dead.append(index) }
      }
      for index in dead.reversed() {
        Self.close(pairs.remove(at: index))
        open.withLock { $0 -= 1 }
      }
    }
  }

  private static func pass(from source: Int32, to sink: Int32) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    let count = unsafe read(source, &buffer, buffer.count)
    guard count > 0 else { return false }
    var sent = 0
    while sent < count {
      let step = unsafe buffer[sent..<count].withUnsafeBytes {
        unsafe send(sink, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard step > 0 else { return false }
      sent += step
    }
    return true
  }

  private static func close(_ pair: (client: Int32, server: Int32)) {
    Glibc.close(pair.client)
    Glibc.close(pair.server)
  }
}
