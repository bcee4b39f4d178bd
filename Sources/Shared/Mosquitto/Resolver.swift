import Glibc
import MessageBus

/// Finds out which kinds of addresses a host name has.
enum Resolver {
  enum Family: Int32 {
    case v4 = 2
    case v6 = 10

    /// A socket bound to it takes only connections of this family.
    var anyAddress: String { self == .v4 ? "0.0.0.0" : "::" }
  }

  /// In the resolver's order, each once. Blocks for as long as DNS takes.
  static func families(of host: String) -> Result<[Family], BusError> {
    var hints = unsafe addrinfo()
    unsafe hints.ai_family = AF_UNSPEC
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let status = unsafe getaddrinfo(host, nil, &hints, &list)
    guard status == 0 else {
      let words = status == EAI_SYSTEM ? Words.system(errno) : unsafe String(cString: gai_strerror(status))
      return .failure(BusError(.failed, "resolve the broker's name '\(host)': \(words)"))
    }
    defer { unsafe freeaddrinfo(list) }
    var families: [Family] = []
    var next = unsafe list
    while let entry = unsafe next?.pointee {
      if let family = unsafe Family(rawValue: entry.ai_family), !families.contains(family) { families.append(family) }
      unsafe next = entry.ai_next
    }
    return .success(families)
  }
}
