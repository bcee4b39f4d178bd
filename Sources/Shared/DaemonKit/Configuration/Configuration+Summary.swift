import ClusterModel

extension Configuration {
  /// What `--check-config` prints: the file is valid, and this is what it means.
  public func summary(source: String) -> String {
    let hypervisor =
      switch hypervisor.kind {
      case .libvirt: "libvirt at \(hypervisor.localURI), peers at \(hypervisor.uri(of: "<host>"))"
      case .dummy: "dummy, machines in \(hypervisor.clusterDirectory ?? "\(stateDirectory)/cluster")"
      }
    return """
      \(source): valid
        host             \(host)
        broker           \(broker.location)\(broker.tls == nil ? "" : " with TLS")
        hypervisor       \(hypervisor)
        state-directory  \(stateDirectory)
        defaults         migration-type \(defaults.migrationType.rawValue), mode \(defaults.mode.rawValue), \
      overbooking \(defaults.overbooking), retry-counter \(defaults.retries)
      """
  }
}
