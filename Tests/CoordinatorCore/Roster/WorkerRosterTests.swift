import ClusterModel
import CoordinatorCore
import Testing
import VirtualTime

@Suite("Roster of workers")
struct WorkerRosterTests {
  private func report(
    _ presence: HostReport.Presence, epoch: Epoch, sequence: Int = 0, vms: [VirtualMachine] = []
  ) -> HostReport {
    HostReport(
      host: "n1", presence: presence, epoch: epoch, sequence: sequence, capacity: .sample(8, 8), vms: vms)
  }

  /// One report after another, written as in "online 5.1": presence, epoch, sequence.
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var reports: [(HostReport.Presence, Epoch, Int)]
    /// Whether each of them is news.
    var isNews: [Bool]
    var isOnline: Bool
  }

  @Test(
    "News is ordered by epoch, then by sequence",
    arguments: [
      Case(
        testDescription: "reports of one incarnation", reports: [(.online, 5, 1), (.online, 5, 2)],
        isNews: [true, true], isOnline: true),
      Case(
        testDescription: "a report that comes twice", reports: [(.online, 5, 1), (.online, 5, 1)],
        isNews: [true, false], isOnline: true),
      Case(
        testDescription: "reports in the wrong order", reports: [(.online, 5, 2), (.online, 5, 1)],
        isNews: [true, false], isOnline: true),
      Case(
        testDescription: "the will", reports: [(.online, 5, 7), (.offline, 5, 0)], isNews: [true, true], isOnline: false
      ),
      Case(
        testDescription: "the will of an incarnation that has a successor",
        reports: [(.online, 5, 7), (.online, 6, 1), (.offline, 5, 0)], isNews: [true, true, false], isOnline: true),
      Case(
        testDescription: "a restart begins at 1 again", reports: [(.online, 5, 7), (.online, 6, 1)],
        isNews: [true, true], isOnline: true),
      Case(
        testDescription: "the will, then the same incarnation is back",
        reports: [(.online, 5, 7), (.offline, 5, 0), (.online, 5, 8)], isNews: [true, true, true], isOnline: true),
      Case(
        testDescription: "the will, then an older report",
        reports: [(.online, 5, 7), (.offline, 5, 0), (.online, 5, 7)],
        isNews: [true, true, false], isOnline: false),
      Case(
        testDescription: "a farewell, then a report from before it",
        reports: [(.online, 5, 6), (.stopped, 5, 8), (.online, 5, 7)], isNews: [true, true, false], isOnline: false),
      Case(
        testDescription: "a farewell, then the will too",
        reports: [(.online, 5, 7), (.stopped, 5, 8), (.offline, 5, 0)],
        isNews: [true, true, false], isOnline: false),
      Case(
        testDescription: "a host that was never online", reports: [(.offline, 5, 0)], isNews: [true], isOnline: false),
      Case(
        testDescription: "a later will of a host that never came back",
        reports: [(.online, 5, 7), (.offline, 5, 0), (.offline, 6, 0)], isNews: [true, true, true], isOnline: false),
    ])
  func order(_ row: Case) {
    var roster = WorkerRoster()
    for (entry, isNews) in zip(row.reports, row.isNews) {
      let (presence, epoch, sequence) = entry
      #expect(
        roster.update(report(presence, epoch: epoch, sequence: sequence)) == isNews, "\(presence) \(epoch).\(sequence)")
    }
    #expect(roster.isOnline("n1") == row.isOnline)
  }

  @Test("A will knows nothing of the machines: what was seen last stays")
  func will() {
    var roster = WorkerRoster()
    _ = roster.update(report(.online, epoch: 5, sequence: 3, vms: [.sample("a", processID: 77)]))
    _ = roster.update(HostReport(host: "n1", presence: .offline, epoch: 5))
    #expect(roster["n1"]?.vms.map(\.name) == ["a"])
    #expect(roster["n1"]?.capacity == .sample(8, 8))
    #expect(roster.shows("uuid-a", activeOn: "n1"))
    #expect(roster.processID(of: "uuid-a", on: "n1") == 77)
  }

  @Test(
    "A machine is active where it runs or is paused, not where it arrives or has ended",
    arguments: [
      (.running, true), (.paused, true), (.other, true), (.arriving, false), (.shutOff, false), (.crashed, false),
    ] as [(VirtualMachine.State, Bool)])
  func active(state: VirtualMachine.State, isActive: Bool) {
    var roster = WorkerRoster()
    _ = roster.update(report(.online, epoch: 1, sequence: 1, vms: [.sample("a", state: state)]))
    #expect(roster.shows("uuid-a", activeOn: "n1") == isActive)
    #expect(roster.shows("uuid-a", activeAwayFrom: "n2") == isActive)
    #expect(!roster.shows("uuid-a", activeAwayFrom: "n1"))
    #expect(!roster.shows("uuid-b", activeOn: "n1"))
    #expect(!roster.shows("uuid-a", activeOn: "n2"))
  }

  @Test("Hosts are listed by name")
  func hosts() {
    var roster = WorkerRoster()
    for host in ["n3", "n1", "n2"] as [HostName] {
      _ = roster.update(HostReport(host: host, presence: .online, epoch: 1, sequence: 1))
    }
    #expect(roster.hosts.map(\.host) == ["n1", "n2", "n3"])
    #expect(roster["n9"] == nil && !roster.isOnline("n9"))
  }

  @Test("Whatever arrives in whatever order, the roster ends with the newest epoch's newest word", arguments: 0..<20)
  func randomWalk(round: UInt64) {
    for seed in round * 50..<round * 50 + 50 {
      var generator = SeededGenerator(seed: seed)
      // What a worker says in three lives, in order; a will ends each but the last.
      var said: [HostReport] = []
      for epoch in 1...3 as ClosedRange<Epoch> {
        for sequence in 1...Int.random(in: 1...4, using: &generator) {
          said.append(report(.online, epoch: epoch, sequence: sequence, vms: [.sample("a", processID: sequence)]))
        }
        if epoch < 3 { said.append(report(.offline, epoch: epoch)) }
      }
      let last = said[said.count - 1]
      var roster = WorkerRoster()
      var epoch: Epoch = 0
      for report in said.shuffled(using: &generator) + [last] {
        _ = roster.update(report)
        let known = roster["n1"]
        #expect((known?.epoch ?? 0) >= epoch, "seed \(seed): the epoch went back")
        epoch = known?.epoch ?? 0
        let isRepeated = roster.update(report)
        #expect(!isRepeated, "seed \(seed): the same report is news twice")
      }
      #expect(roster.isOnline("n1") && roster["n1"]?.sequence == last.sequence, "seed \(seed)")
    }
  }
}
