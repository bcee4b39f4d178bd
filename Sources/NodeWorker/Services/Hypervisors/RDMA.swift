import ClusterModel
import DaemonKit
import Foundation

/// Whether this host can send memory over RDMA, and where to.
struct RDMA: Sendable {
  /// The name of a host on the fast network: `<host>` stands for its usual one.
  let pattern: String
  /// Names that do not follow the pattern.
  let names: [HostName: String]
  /// Whether memory may only travel over TLS, which QEMU cannot do over RDMA.
  let isForbidden: Bool
  /// Where Linux lists devices that can.
  var devices = "/sys/class/infiniband"

  struct Obstacle: Error, CustomStringConvertible {
    let description: String
  }

  init(_ settings: HypervisorSettings) {
    pattern = settings.rdmaHost
    names = settings.rdmaHosts
    isForbidden = settings.encryptsMemory
  }

  /// "rdma://node2-ib", if this host has a device for it and the other one has an address there.
  func address(of host: HostName) -> Result<String, Obstacle> {
    guard !isForbidden else {
      return .failure(Obstacle(description: "hypervisor.migration-tls is on, and RDMA cannot be encrypted"))
    }
    guard let found = try? FileManager.default.contentsOfDirectory(atPath: devices), !found.isEmpty else {
      return .failure(Obstacle(description: "this host has no RDMA device (\(devices))"))
    }
    let name = names[host] ?? pattern.replacingOccurrences(of: "<host>", with: host.rawValue)
    guard Self.resolves(name) else {
      return .failure(Obstacle(description: "\(name), which should be \(host) on the fast network, has no address"))
    }
    return .success("rdma://\(name)")
  }

  /// Asks the system, which may ask a name server.
  private static func resolves(_ name: String) -> Bool {
    var found: UnsafeMutablePointer<addrinfo>?
    guard unsafe getaddrinfo(name, nil, nil, &found) == 0 else { return false }
    unsafe freeaddrinfo(found)
    return true
  }
}
