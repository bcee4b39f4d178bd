public import ClusterModel

/// Whether a host can be emptied now, and what is in the way: the plan that an evacuation would begin with.
public struct Outlook: Sendable, Equatable {
  public var host: HostName
  public var plan: Plan
  /// Why nothing can leave the host, whatever there is room for; nil: nothing speaks against it.
  public var obstacle: String?

  public var canBeEmptied: Bool { obstacle == nil && plan.unplaced.isEmpty }

  /// - Parameters:
  ///   - wish: how; its own sources do not count.
  ///   - cluster: with the host in it.
  public init(emptying host: HostName, _ wish: EvacuationRequest, on cluster: ClusterSnapshot) {
    self.host = host
    var request = wish
    request.sources = [host]
    plan = Planner.plan(request, on: cluster)
    guard let source = cluster.hosts.first(where: { $0.name == host }) else {
      obstacle = "no such host"
      return
    }
    // An empty host is empty, whoever is there to say so.
    if !source.vms.isEmpty, let hindrance = source.obstacle, hindrance.kind == .absolute, hindrance != .draining {
      obstacle = hindrance.description
    }
  }

  /// Of every host, by name.
  public static func all(_ wish: EvacuationRequest, on cluster: ClusterSnapshot) -> [Outlook] {
    cluster.hosts.map(\.name).sorted().map { Outlook(emptying: $0, wish, on: cluster) }
  }

  /// In one line: "yes", or the first thing in the way.
  public var summary: String {
    if let obstacle { return obstacle }
    guard let first = plan.unplaced.first else {
      if plan.moves.isEmpty { return "nothing to move" }
      let hosts = Set(plan.moves.map(\.destination)).count
      return "\(plan.moves.count) to \(hosts) \(hosts == 1 ? "host" : "hosts")"
    }
    let count = plan.unplaced.count
    let others = count == 1 ? "" : "; and \(count - 1) more without a place"
    return "\(first.vm.name) \(first.details)\(others)"
  }
}
