/// Where the service manager that has started the program wants to hear from it, and how often: the environment says so.
///
/// The words are systemd's, sd_notify(3) and sd_watchdog_enabled(3). Without them there is nobody to be told.
public struct ServiceManagerSettings: Sendable, Equatable {
  /// The name of a datagram socket.
  public enum Socket: Sendable, Equatable {
    case path(String)
    /// Of the kernel's own list, not of the file system.
    case abstract(String)

    /// As the kernel takes it: a path ends with a zero byte, the other kind begins with one.
    var address: [UInt8] {
      switch self {
      case .path(let path): Array(path.utf8) + [0]
      case .abstract(let name): [0] + Array(name.utf8)
      }
    }
  }

  /// What the kernel has room for.
  private static let longestAddress = 108

  public var socket: Socket?
  /// After so long without a beat the program is taken for hung; nil: nobody waits for beats.
  public var watchdog: Duration?
  /// What was wrong with the environment, in words.
  public var flaws: [String] = []

  /// - Parameter processID: of this program; the watchdog may be meant for another one.
  public init(environment: [String: String], processID: Int32) {
    guard let text = environment["NOTIFY_SOCKET"], !text.isEmpty else { return }
    let named: Socket? =
      switch text.first {
      case "/": .path(text)
      case "@" where text.utf8.count > 1: .abstract(String(text.dropFirst()))
      default: nil
      }
    guard let named, named.address.count <= Self.longestAddress else {
      flaws.append(
        "NOTIFY_SOCKET is neither a path nor an abstract name of at most \(Self.longestAddress - 1) bytes: \(text)")
      return
    }
    socket = named
    guard let limit = environment["WATCHDOG_USEC"], !limit.isEmpty else { return }
    guard let microseconds = Int64(limit), microseconds > 0 else {
      flaws.append("WATCHDOG_USEC is no number of microseconds: \(limit)")
      return
    }
    if let id = environment["WATCHDOG_PID"], !id.isEmpty, Int32(id) != processID { return }
    watchdog = .microseconds(microseconds)
  }

  /// A beat is due so often: twice in the time that the manager waits for one.
  public var beatInterval: Duration? { watchdog.map { max($0 / 2, .milliseconds(10)) } }
}
