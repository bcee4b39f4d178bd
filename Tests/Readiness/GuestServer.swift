import BlockingPool
import Glibc
import Synchronization

/// A TCP server on 127.0.0.1 that treats its visitors as told, one after another, on a thread of its own.
final class GuestServer: Sendable {
  /// What a visitor gets, piece by piece; then the connection is closed, or held until the server stops.
  struct Treatment: Sendable {
    var pieces: [String] = []
    var holds = false
  }

  private let pool = BlockingPool(name: "guest", threads: 1)
  private let socket: LoopbackSocket
  /// A pipe: closing its second end ends the thread.
  private let lifeline: (end: Int32, hand: Int32)
  private let visitorCount = Mutex(0)

  /// - Parameters:
  ///   - isListening: false: the port is taken but refuses everybody until `open`.
  ///   - treatment: asked for each visitor, who are counted from 1.
  init(isListening: Bool = true, _ treatment: @escaping @Sendable (Int) -> Treatment) throws {
    socket = try LoopbackSocket()
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe(&ends) == 0 else { throw LoopbackSocket.Failure(call: "pipe") }
    lifeline = (ends[0], ends[1])
    if isListening { try open() }
    pool.submit { [weak self, listener = socket.descriptor, end = lifeline.end] in
      var held: [Int32] = []
      while let visitor = Self.nextVisitor(listener, unlessClosed: end) {
        guard let self else { break }
        let orders = treatment(self.count())
        for piece in orders.pieces {
          unsafe send(visitor, piece, piece.utf8.count, Int32(MSG_NOSIGNAL))
        }
        if orders.holds { held.append(visitor) } else { close(visitor) }
      }
      for descriptor in held + [listener, end] { close(descriptor) }
    }
  }

  func open() throws {
    try socket.listen()
  }

  var port: Int { socket.port }

  var visitors: Int { visitorCount.withLock { $0 } }

  /// Ends the thread and all connections; once.
  func stop() async {
    close(lifeline.hand)
    await pool.shutDown()
  }

  private func count() -> Int {
    visitorCount.withLock { count in
      count += 1
      return count
    }
  }

  private static func nextVisitor(_ listener: Int32, unlessClosed end: Int32) -> Int32? {
    while true {
      var waiting = [
        pollfd(fd: end, events: Int16(POLLIN), revents: 0), pollfd(fd: listener, events: Int16(POLLIN), revents: 0),
      ]
      // A socket that does not listen yet reports a hang-up all the time: look again a little later.
      guard unsafe poll(&waiting, 2, -1) >= 0 else { continue }
      if waiting[0].revents != 0 { return nil }
      guard waiting[1].revents & Int16(POLLIN) != 0, waiting[1].revents & Int16(POLLHUP) == 0 else {
        usleep(1_000)
        continue
      }
      let visitor = accept(listener, nil, nil)
      if visitor >= 0 { return visitor }
    }
  }
}
