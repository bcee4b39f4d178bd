import Glibc

/// The broker's end of a connection, to ask later whether the broker is still there.
struct Peer {
  private var address = sockaddr_storage()
  private var length = socklen_t(MemoryLayout<sockaddr_storage>.size)

  /// Nil if the socket is not connected.
  init?(of socket: Int32) {
    let found = unsafe withUnsafeMutablePointer(to: &address) { address in
      unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe getpeername(socket, $0, &length) == 0
      }
    }
    guard found else { return nil }
  }

  /// Whether somebody accepts a connection there and does not hang up at once, as a program that is ending does.
  func isThere() -> Bool {
    let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let probe = socket(Int32(address.ss_family), type, 0)
    guard probe >= 0 else { return false }
    defer { close(probe) }
    let status = unsafe withUnsafePointer(to: address) { address in
      unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe connect(probe, $0, length) }
    }
    guard status == 0 || errno == EINPROGRESS, Self.poll(probe, POLLOUT, milliseconds: 200) else { return false }
    var error: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    guard unsafe getsockopt(probe, SOL_SOCKET, SO_ERROR, &error, &size) == 0, error == 0 else { return false }
    // A broker says nothing before it is spoken to: whatever comes is the end.
    return !Self.poll(probe, POLLIN, milliseconds: 50)
  }

  private static func poll(_ descriptor: Int32, _ events: Int32, milliseconds: Int32) -> Bool {
    var descriptors = [pollfd(fd: descriptor, events: Int16(events), revents: 0)]
    return unsafe Glibc.poll(&descriptors, 1, milliseconds) > 0
  }
}
