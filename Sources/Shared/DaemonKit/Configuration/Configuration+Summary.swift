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
  /// The same for a guest agent.
  public func guestAgentSummary(source: String) -> String {
    let signal = guestAgent.signal.map { "\($0)" } ?? "each process's PSP_SIGSUSPEND"
    return """
      \(source): valid
        vm-name          \(vm)
        broker           \(broker.location)\(broker.tls == nil ? "" : " with TLS")
        state-directory  \(stateDirectory)
        signal           \(signal)
        scan-interval    \(SizeText.seconds(guestAgent.scanInterval.inSeconds))
        settle-time      \(SizeText.seconds(guestAgent.settleTime.inSeconds))
      """
  }
}
