import Glibc
import Synchronization

/// A service manager's ear: a datagram socket, as NOTIFY_SOCKET names one.
public final class NotifySocket: Sendable {
  /// For NOTIFY_SOCKET.
  public let name: String
  private let descriptor: Int32
  private let heard = Mutex<[String]>([])

  /// - Parameter name: a path, or `@` and a name of the kernel's own list.
  public init(_ name: String) throws {
    self.name = name
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = name.hasPrefix("@") ? [0] + Array(name.utf8.dropFirst()) : Array(name.utf8) + [0]
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
    let length = socklen_t(MemoryLayout<sockaddr_un>.size - MemoryLayout.size(ofValue: address.sun_path) + bytes.count)
    let isBound = unsafe withUnsafePointer(to: &address) { address in
      unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe bind(descriptor, $0, length) == 0 }
    }
    guard isBound else {
      close(descriptor)
      throw ChildError(description: "no socket \(name): errno \(errno)")
    }
  }

  deinit { close(descriptor) }

  /// Everything that came so far, in order.
  public var messages: [String] {
    heard.withLock { heard in
      var buffer = [UInt8](repeating: 0, count: 4096)
      while true {
        let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
        guard count >= 0 else { return heard }
        heard.append(String(decoding: buffer.prefix(count), as: UTF8.self))
      }
    }
  }
}
