extension ClusterSnapshot {
  /// What a plan must keep besides room: who needs which hosts, and who must stay apart.
  public struct PlacementRules: Sendable, Equatable {
    /// Machines that must not share a host, or a rack.
    public struct AntiAffinity: Sendable, Equatable {
      public enum Scope: String, Sendable, CaseIterable {
        case host
        case rack
      }

      public var scope: Scope
      public var vms: Set<VMName>

      public init(scope: Scope, vms: Set<VMName>) {
        self.scope = scope
        self.vms = vms
      }
    }

    /// Properties of hosts: a CPU model, a network.
    public var labels: [HostName: Set<String>]
    /// Labels that a machine's host must have.
    public var requirements: [VMName: Set<String>]
    public var racks: [HostName: String]
    public var antiAffinity: [AntiAffinity]

    public init(
      labels: [HostName: Set<String>] = [:], requirements: [VMName: Set<String>] = [:],
      racks: [HostName: String] = [:], antiAffinity: [AntiAffinity] = []
    ) {
      self.labels = labels
      self.requirements = requirements
      self.racks = racks
      self.antiAffinity = antiAffinity
    }
  }
}
