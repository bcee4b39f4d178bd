import ClusterModel
import CoordinatorCore
import Testing

@Suite("Whether a host can be emptied now")
struct OutlookTests {
  static let full: [ClusterSnapshot.Host] = [
    .sample("n1", 16, 8, [.sample("a", memory: 6), .sample("b", memory: 9)]),
    .sample("n2", 8, 8, [.sample("c", memory: 1)]),
  ]

  private func outlook(_ host: HostName, _ hosts: [ClusterSnapshot.Host]) -> Outlook {
    Outlook(emptying: host, EvacuationRequest(sources: []), on: ClusterSnapshot(hosts: hosts))
  }

  @Test("it can if each machine has a place, and the plan says which")
  func yes() {
    let outlook = outlook("n2", Self.full)
    #expect(outlook.canBeEmptied)
    #expect(outlook.summary == "1 to 1 host")
    #expect(outlook.plan.text == "c>n1")
  }

  @Test("it cannot if one has none, and that one says where it comes closest")
  func no() {
    let outlook = outlook("n1", Self.full)
    #expect(!outlook.canBeEmptied)
    #expect(outlook.plan.text == "a>n2")
    #expect(outlook.summary == "b needs 9 GiB of memory; closest is n2 with 1 GiB free, 8 GiB missing")
  }

  @Test("an empty host is empty", arguments: [nil, ClusterSnapshot.Obstacle(.absolute, "its worker is offline")])
  func empty(obstacle: ClusterSnapshot.Obstacle?) {
    let outlook = outlook("n3", Self.full + [.sample("n3", 8, 8, obstacle: obstacle)])
    #expect(outlook.canBeEmptied)
    #expect(outlook.summary == "nothing to move")
  }

  @Test("without its worker nothing leaves it, whatever there is room for")
  func offline() {
    var hosts = Self.full
    hosts[1].obstacle = ClusterSnapshot.Obstacle(.absolute, "its worker is offline")
    #expect(outlook("n2", hosts).summary == "its worker is offline")
    #expect(!outlook("n2", hosts).canBeEmptied)
  }

  @Test(
    "a host that is cordoned or being emptied may go on being emptied",
    arguments: [ClusterSnapshot.Obstacle.draining, ClusterSnapshot.Obstacle(.unlessNamed, "cordoned")])
  func closed(obstacle: ClusterSnapshot.Obstacle) {
    var hosts = Self.full
    hosts[1].obstacle = obstacle
    #expect(outlook("n2", hosts).canBeEmptied)
  }

  @Test("every host is told, by name, and one that is unknown is said to be")
  func all() {
    let cluster = ClusterSnapshot(hosts: Self.full.reversed())
    let outlooks = Outlook.all(EvacuationRequest(sources: [""]), on: cluster)
    #expect(outlooks.map(\.host) == ["n1", "n2"])
    #expect(outlooks.map(\.canBeEmptied) == [false, true])
    #expect(outlook("x", Self.full).summary == "no such host")
  }
}
