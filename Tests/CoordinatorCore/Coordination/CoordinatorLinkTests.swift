import ClusterModel
import CoordinatorCore
import MigfraProtocol
import Testing

/// Machines of 1 GiB; links of 100 MiB/s copy one in 10 s.
@Suite("Sharing links")
struct CoordinatorLinkTests {
  private static let limits = MigrationLimits()

  private func cluster(
    _ hosts: KeyValuePairs<HostName, (bandwidth: Int?, vms: [VMName])>, _ limits: MigrationLimits = Self.limits
  ) -> Coordination {
    var cluster = Coordination([:], limits)
    for (host, (bandwidth, vms)) in hosts { cluster.add(host, bandwidth: bandwidth, vms.map { .sample($0) }) }
    return cluster
  }

  private func progress(
    _ vm: VMName, in cluster: Coordination, _ phase: MigrationProgress.Phase = .copying, remaining: Double?
  ) -> CoordinatorEvent {
    .migrationProgressed(
      MigrationProgress(
        vm: vm, task: cluster.order(vm)?.task, destination: "n2", phase: phase, remainingSeconds: remaining))
  }

  @Test("the next one begins when the one before is nearly copied, not when it has ended")
  func overlap() {
    var cluster = cluster(["n1": (100, ["a", "b", "c"]), "n2": (100, [])])
    let task = cluster.evacuate("n1")
    #expect(cluster.sent == ["a:n1>n2"])
    cluster.handle(progress("a", in: cluster, remaining: 5))
    cluster.pass(.milliseconds(4400))
    #expect(cluster.sent.count == 1)
    cluster.pass(.milliseconds(200))
    #expect(cluster.sent == ["a:n1>n2", "b:n1>n2"])
    cluster.pass(.seconds(5))
    #expect(cluster.sent.count == 2, "one that has nearly been copied for long makes room for no third one")
    cluster.complete("a")
    #expect(cluster.sent.count == 2, "b has the link")
    cluster.complete("b")
    cluster.complete("c")
    #expect(cluster.answers(task).map(\.status) == [.success])
  }

  @Test("a copy that takes longer than it said keeps its link")
  func longerThanExpected() {
    var cluster = cluster(["n1": (100, ["a", "b"]), "n2": (100, [])])
    cluster.evacuate("n1")
    cluster.handle(progress("a", in: cluster, remaining: 5))
    cluster.pass(.seconds(4))
    cluster.handle(progress("a", in: cluster, remaining: 9))
    cluster.pass(.seconds(8))
    #expect(cluster.sent.count == 1)
    cluster.pass(.milliseconds(600))
    #expect(cluster.sent.count == 2)
  }

  @Test("what is said of nothing that runs frees no link", arguments: [nil, 0.0])
  func foreignProgress(remaining: Double?) {
    var cluster = cluster(["n1": (100, ["a", "b"]), "n2": (100, [])])
    cluster.evacuate("n1")
    cluster.handle(
      .migrationProgressed(
        MigrationProgress(vm: "a", task: "other", destination: "n2", phase: .copying, remainingSeconds: remaining)))
    cluster.pass(.seconds(60))
    #expect(cluster.sent.count == 1)
  }

  @Test("one that both ends are asked about has left its link")
  func verifying() {
    var cluster = cluster(["n1": (100, ["a", "b"]), "n2": (100, [])])
    cluster.evacuate("n1")
    cluster.handle(progress("a", in: cluster, .verifying, remaining: nil))
    #expect(cluster.sent.count == 2)
  }

  @Test("a fast source feeds slow destinations at the same time, each with one")
  func slowDestinations() {
    var cluster = cluster([
      "n1": (100, ["a", "b", "c", "d", "e", "f"]), "n2": (50, []), "n3": (25, []), "n4": (25, []),
    ])
    cluster.evacuate("n1", NodeEvacuation(mode: .scatter))
    #expect(cluster.sent.map { $0.suffix(2) }.sorted() == ["n2", "n3", "n4"])
  }

  @Test("hosts that say nothing of their links have what the coordinator is told")
  func configuredBandwidth() {
    var cluster = cluster(["n1": (nil, ["a", "b"]), "n2": (nil, [])], MigrationLimits(bandwidthMiB: 100))
    cluster.evacuate("n1")
    #expect(cluster.sent.count == 1)
  }

  @Test("two evacuations take turns at a link, and at the cluster's limit", arguments: [true, false])
  func turns(isLink: Bool) {
    let limits = MigrationLimits(total: isLink ? nil : 1)
    var cluster = cluster(
      [
        "n1": (isLink ? 100 : nil, ["a1", "a2", "a3"]), "n2": (isLink ? 100 : nil, ["b1", "b2", "b3"]),
        "n3": (isLink ? 100 : nil, []),
      ], limits)
    cluster.evacuate("n1", NodeEvacuation(destinations: ["n3"]))
    cluster.evacuate("n2", NodeEvacuation(destinations: ["n3"]))
    for count in 1...6 {
      #expect(cluster.sent.count == count)
      guard let last = cluster.sent.last?.split(separator: ":").first else { break }
      cluster.complete(VMName(rawValue: String(last)))
    }
    #expect(cluster.sent.map { String($0.prefix(2)) } == ["a1", "b1", "a2", "b2", "a3", "b3"])
  }
}
