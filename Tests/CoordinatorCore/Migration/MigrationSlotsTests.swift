import ClusterModel
import CoordinatorCore
import Testing

@Suite("Which migrations slots and links admit")
struct MigrationSlotsTests {
  /// A cluster's links in MiB/s, what runs, and what would begin: "n1>n2".
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var links: [HostName: Double]
    var running: [String] = []
    /// Nearly copied.
    var copied: [String] = []
    var next: String
    var limits = MigrationLimits()
    /// Of each machine, MiB.
    var memory = 4096.0
    /// Of each task, MiB/s.
    var limit: Double?
    var isAdmitted: Bool

    func flow(_ text: String) -> MigrationSlots.Flow {
      let ends = text.split(separator: ">").map { HostName(rawValue: String($0)) }
      let mib = Double(1 << 20)
      return MigrationSlots.Flow(
        source: ends[0], destination: ends[1], sourceRate: links[ends[0]].map { $0 * mib },
        destinationRate: links[ends[1]].map { $0 * mib }, bytes: memory * mib, limit: limit.map { $0 * mib })
    }
  }

  static let even: [HostName: Double] = ["n1": 100, "n2": 100, "n3": 100, "n4": 100]
  static let uneven: [HostName: Double] = ["n1": 100, "n2": 50, "n3": 25, "n4": 25, "n5": 100]

  static let cases: [Case] = [
    Case(testDescription: "an idle link takes one", links: even, next: "n1>n2", isAdmitted: true),
    Case(testDescription: "a full source", links: even, running: ["n1>n2"], next: "n1>n3", isAdmitted: false),
    Case(testDescription: "a full destination", links: even, running: ["n1>n3"], next: "n2>n3", isAdmitted: false),
    Case(
      testDescription: "both directions are links of their own", links: even, running: ["n1>n2"], next: "n2>n1",
      isAdmitted: true),
    Case(
      testDescription: "one that is nearly copied takes nothing", links: even, copied: ["n1>n2"], next: "n1>n2",
      isAdmitted: true),
    Case(
      testDescription: "but one that began after it does", links: even, running: ["n1>n3"], copied: ["n1>n2"],
      next: "n1>n2", isAdmitted: false),
    Case(
      testDescription: "slow destinations leave a part of the source's link", links: uneven,
      running: ["n1>n2", "n1>n3"], next: "n1>n4", isAdmitted: true),
    Case(
      testDescription: "until together they fill it", links: uneven, running: ["n1>n2", "n1>n3", "n1>n4"],
      next: "n1>n5", isAdmitted: false),
    Case(
      testDescription: "a slow destination that is busy", links: uneven, running: ["n1>n3"], next: "n1>n3",
      isAdmitted: false),
    Case(
      testDescription: "a quarter of what it could use is enough", links: ["n1": 125, "n2": 100, "n3": 100],
      running: ["n1>n2"], next: "n1>n3", isAdmitted: true),
    Case(
      testDescription: "a tenth is not", links: ["n1": 110, "n2": 100, "n3": 100], running: ["n1>n2"],
      next: "n1>n3", isAdmitted: false),
    Case(
      testDescription: "unless it shall be", links: ["n1": 110, "n2": 100, "n3": 100], running: ["n1>n2"],
      next: "n1>n3", limits: MigrationLimits(linkShare: 0.09), isAdmitted: true),
    Case(
      testDescription: "share 0: the links do not matter", links: even, running: ["n1>n2"], next: "n1>n3",
      limits: MigrationLimits(linkShare: 0), isAdmitted: true),
    Case(
      testDescription: "share 0: two slots as without links", links: even, running: ["n1>n2", "n1>n3"],
      next: "n1>n4", limits: MigrationLimits(linkShare: 0), isAdmitted: false),
    Case(
      testDescription: "small machines fill a fast link together", links: even, running: ["n1>n2", "n1>n2", "n1>n2"],
      next: "n1>n3", memory: 16, isAdmitted: true),
    Case(
      testDescription: "but no more than the slots", links: even, running: ["n1>n2", "n1>n2", "n1>n3", "n1>n3"],
      next: "n1>n4", memory: 1, isAdmitted: false),
    Case(
      testDescription: "tasks that may use little leave the rest", links: even, running: ["n1>n2", "n1>n2"],
      next: "n1>n2", limit: 20, isAdmitted: true),
    Case(
      testDescription: "nothing is known: two slots", links: [:], running: ["n1>n2"], next: "n1>n2",
      isAdmitted: true),
    Case(
      testDescription: "nothing is known: no third", links: [:], running: ["n1>n2", "n1>n3"], next: "n1>n4",
      isAdmitted: false),
    Case(
      testDescription: "only the source's link is known, and is full", links: ["n1": 100], running: ["n1>n2"],
      next: "n1>n3", isAdmitted: false),
    Case(
      testDescription: "slots of the source", links: [:], running: ["n1>n2"], next: "n1>n3",
      limits: MigrationLimits(outgoing: 1), isAdmitted: false),
    Case(
      testDescription: "slots of the destination", links: [:], running: ["n1>n3"], next: "n2>n3",
      limits: MigrationLimits(incoming: 1), isAdmitted: false),
    Case(
      testDescription: "nearly copied ones have their slots", links: even, copied: ["n1>n2"], next: "n1>n3",
      limits: MigrationLimits(outgoing: 1), isAdmitted: false),
    Case(
      testDescription: "the whole cluster", links: [:], running: ["n1>n2", "n3>n4"], next: "n5>n6",
      limits: MigrationLimits(total: 2), isAdmitted: false),
    Case(
      testDescription: "the whole cluster has one left", links: [:], running: ["n1>n2", "n3>n4"], next: "n5>n6",
      limits: MigrationLimits(total: 3), isAdmitted: true),
  ]

  @Test("a migration begins if both of its ends have a slot and a good part of the link", arguments: cases)
  func admission(_ sample: Case) {
    var slots = MigrationSlots(sample.limits)
    for running in sample.running { slots.take(sample.flow(running)) }
    for copied in sample.copied { slots.take(sample.flow(copied), isCopied: true) }
    #expect(slots.admits(sample.flow(sample.next)) == sample.isAdmitted)
  }
}
