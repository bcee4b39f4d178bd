import Foundation
import Glibc
public import Logging

/// The service manager (systemd) that has started this program, if one has.
public final class ServiceManager: Sendable {
  private let settings: ServiceManagerSettings
  private let logger: Logger
  /// -1: there is nobody to be told.
  private let descriptor: Int32

  /// The one that the environment names.
  public convenience init(logger: Logger) {
    self.init(
      ServiceManagerSettings(environment: ProcessInfo.processInfo.environment, processID: getpid()), logger: logger)
  }

  public init(_ settings: ServiceManagerSettings, logger: Logger) {
    self.settings = settings
    self.logger = logger
    descriptor =
      settings.socket == nil ? -1 : Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    for flaw in settings.flaws {
      logger.warning("the service manager cannot be told anything", metadata: [LogKey.cause: "\(flaw)"])
    }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// nil: nobody waits for beats.
  public var beatInterval: Duration? { descriptor < 0 ? nil : settings.beatInterval }

  /// Tells it, if it is there. A manager that does not read is waited for, except with a beat: the next one comes soon.
  public func tell(_ notice: ServiceNotice) {
    guard descriptor >= 0, let socket = settings.socket else { return }
    let flags = Int32(MSG_NOSIGNAL) | (notice.word == .beat ? Int32(MSG_DONTWAIT) : 0)
    let name = socket.address
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: name) }
    let length = socklen_t(MemoryLayout<sockaddr_un>.size - MemoryLayout.size(ofValue: address.sun_path) + name.count)
    let text = Array(notice.text.utf8)
    let sent = unsafe withUnsafePointer(to: &address) { address in
      unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        unsafe text.withUnsafeBytes { unsafe sendto(descriptor, $0.baseAddress, $0.count, flags, address, length) }
      }
    }
    guard sent != text.count else { return }
    logger.warning(
      "the service manager could not be told",
      metadata: ["notice": "\(notice.text)", LogKey.cause: "\(unsafe String(cString: strerror(errno)))"])
  }
}
