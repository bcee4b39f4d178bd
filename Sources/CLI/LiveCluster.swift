import ClusterModel
import CoordinatorCore
import MigfraProtocol

/// The cluster as the broker's retained messages show it: what the coordinator plans on, without asking it.
struct LiveCluster {
  private let reports: [HostReport]
  private let nodes: [HostName: NodeReport]
  /// Moves of evacuations that are under way.
  private let coming: [Plan.Move]

  init(_ client: BusClient) async throws {
    let hosts = try await client.hosts()
    reports = hosts.map(\.report)
    nodes = Dictionary(hosts.compactMap { host in host.node.map { ($0.host, $0) } }) { first, _ in first }
    coming = try await client.plans().filter { !$0.state.isFinal }.flatMap { plan in
      plan.moves.filter { $0.state != .failed }.map(\.move)
    }
  }

  /// - Parameter host: its own machines' way is to be planned anew; nil: what is under way stays so.
  func snapshot(emptying host: HostName? = nil) -> ClusterSnapshot {
    ClusterSnapshot(reports: reports, nodes: nodes, coming: coming.filter { $0.source != host })
  }

  var hosts: [HostName] { reports.map(\.host) }

  func knows(_ host: HostName) -> Bool { reports.contains { $0.host == host } }

  func node(_ host: HostName) -> NodeReport? { nodes[host] }
}
