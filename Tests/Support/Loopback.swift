import Glibc

/// TCP on 127.0.0.1, for fixtures.
public enum Loopback {
  /// A port that was free a moment ago.
  public static func freePort() throws -> Int {
    let (descriptor, port) = try listen()
    close(descriptor)
    return port
  }

  /// Whether somebody listens.
  public static func accepts(port: Int) -> Bool {
    guard let descriptor = try? connect(to: port) else { return false }
    close(descriptor)
    return true
  }

  /// - Returns: a listening socket and its port.
  static func listen() throws -> (descriptor: Int32, port: Int) {
    let descriptor = try stream()
    var address = loopback(port: 0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = unsafe withUnsafeMutablePointer(to: &address) { address in
      unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
      }
    }
    guard isBound, Glibc.listen(descriptor, 16) == 0 else {
      close(descriptor)
      throw ChildError(description: "no free port on 127.0.0.1")
    }
    return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
  }

  static func connect(to port: Int) throws -> Int32 {
    let descriptor = try stream()
    var address = loopback(port: port)
    let isConnected = unsafe withUnsafePointer(to: &address) { address in
      unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
    guard isConnected else {
      close(descriptor)
      throw ChildError(description: "nobody listens on 127.0.0.1:\(port)")
    }
    return descriptor
  }

  private static func stream() throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw ChildError(description: "no socket: errno \(errno)") }
    return descriptor
  }

  private static func loopback(port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return address
  }
}
