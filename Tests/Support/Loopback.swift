import Glibc
import Synchronization

/// TCP on 127.0.0.1, for fixtures.
public enum Loopback {
  /// A port for a server that starts later, perhaps more than once. Not one of those that the system gives to outgoing
  /// connections (from 32768): it could be taken when it is needed.
  public static func freePort() throws -> Int {
    for _ in 0..<1000 {
      let port = Int.random(in: 10_000..<32_000)
      guard taken.withLock({ $0.insert(port).inserted }), let (descriptor, _) = try? listen(on: port) else { continue }
      close(descriptor)
      return port
    }
    throw ChildError(description: "no free port on 127.0.0.1")
  }

  /// What has been given away in this process.
  private static let taken = Mutex<Set<Int>>([])

  /// Whether somebody listens.
  public static func accepts(port: Int) -> Bool {
    guard let descriptor = try? connect(to: port) else { return false }
    close(descriptor)
    return true
  }

  /// - Parameter port: 0: any.
  /// - Returns: a listening socket and its port.
  static func listen(on port: Int = 0) throws -> (descriptor: Int32, port: Int) {
    let descriptor = try stream()
    var address = loopback(port: port)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = unsafe withUnsafeMutablePointer(to: &address) { address in
      unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
      }
    }
    guard isBound, Glibc.listen(descriptor, 16) == 0 else {
      close(descriptor)
      throw ChildError(description: "port \(port) on 127.0.0.1 is not free")
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
