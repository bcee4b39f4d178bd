public import ClusterModel
public import MigfraProtocol

extension VMRepin {
  /// What is wrong with the map for this machine on this host, in words; nil: nothing.
  ///
  /// libvirt ignores CPUs that the host has not, and pins one virtual CPU after the other, so a map that is wrong at its
  /// end would be half done.
  public func flaw(vcpus: Int, cpus: Int, on host: HostName) -> String? {
    if map.count > vcpus {
      return "vcpu-map names \(map.count) virtual CPUs, \(vm) has \(vcpus)"
    }
    for (vcpu, set) in map.enumerated() {
      if let cpu = set.first(where: { $0 >= cpus }) {
        return "vcpu-map[\(vcpu)] names CPU \(cpu), \(host) has \(cpus), 0 to \(cpus - 1)"
      }
    }
    return nil
  }
}
