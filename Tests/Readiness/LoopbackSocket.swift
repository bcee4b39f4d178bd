import Glibc

/// A TCP socket with a port of 127.0.0.1, which refuses everybody until it listens.
struct LoopbackSocket: Sendable {
  struct Failure: Error {
    var call: String
    var number = errno
  }

  let descriptor: Int32
  let port: Int

  init() throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw Failure(call: "socket") }
    var address = Self.address(port: 0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = unsafe withUnsafeMutablePointer(to: &address) { address in
      unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        unsafe bind(descriptor, address, length) == 0 ? getsockname(descriptor, address, &length) : -1
      }
    }
    guard status == 0 else { throw Failure(call: "bind") }
    self.descriptor = descriptor
    port = Int(UInt16(bigEndian: address.sin_port))
  }

  func listen(backlog: Int32 = 16) throws {
    guard Glibc.listen(descriptor, backlog) == 0 else { throw Failure(call: "listen") }
  }

  /// A socket that begins to connect here and is not waited for.
  func beginVisit() -> Int32 {
    let visitor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
    var address = Self.address(port: port)
    unsafe withUnsafePointer(to: &address) { address in
      unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        _ = unsafe connect(visitor, address, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    return visitor
  }

  private static func address(port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(port).bigEndian)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
  }
}
