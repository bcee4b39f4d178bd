import ClusterModel
import Journal
import MigfraProtocol
import TestSupport
import Testing

@Suite("The journal of tasks")
struct TaskJournalTests {
  let route = ReplyRoute(topic: "fast/migfra/node1/result", correlationData: [7])

  @Test("What was received and not closed is recalled by the next incarnation, in order")
  func recall() throws {
    let folder = try TemporaryFolder()
    do {
      let journal = try TaskJournal(path: folder.file("j.sqlite"), leastEpoch: 10)
      let first = try journal.receive([1], for: route)
      let second = try journal.receive([2], for: route)
      let third = try journal.receive([3], for: route)
      try journal.answer(first, with: [11])
      try journal.answer(second, with: [22])
      journal.settle(first) { Issue.record($0) }
      try journal.close()
      #expect(first.sequence < second.sequence && second.sequence < third.sequence)
    }
    let journal = try TaskJournal(path: folder.file("j.sqlite"), leastEpoch: 0)
    let recalled = try journal.recall()
    #expect(recalled.finished.map(\.payload) == [[1]])
    #expect(recalled.open.map(\.payload) == [[2], [3]])
    #expect(recalled.open.map(\.answer) == [[22], nil])
    #expect(recalled.open.allSatisfy { $0.arrival.route == route })
  }

  @Test("The epoch grows with each incarnation, also when the clock goes back; the name stays")
  func epochs() throws {
    let folder = try TemporaryFolder()
    var names: Set<String> = []
    var epochs: [UInt64] = []
    for least: UInt64 in [1000, 5000, 200] {
      let journal = try TaskJournal(path: folder.file("j.sqlite"), leastEpoch: least)
      names.insert(journal.name)
      epochs.append(journal.epoch)
    }
    #expect(epochs == [1000, 5000, 5001])
    #expect(names.count == 1)
  }

  @Test("A second worker on the same journal is refused")
  func exclusive() throws {
    let folder = try TemporaryFolder()
    let journal = try TaskJournal(path: folder.file("j.sqlite"), leastEpoch: 1)
    #expect(throws: (any Error).self) { try TaskJournal(path: folder.file("j.sqlite"), leastEpoch: 1) }
    _ = try journal.receive([1], for: route)
  }

  @Test("A task that is cancelled still writes: a program that is stopped finishes what it had decided")
  func cancelled() async throws {
    let folder = try TemporaryFolder()
    let journal = try TaskJournal(path: folder.file("j.sqlite"), leastEpoch: 1)
    let arrival = try journal.receive([1], for: route)
    let writer = Task {
      while !Task.isCancelled { await Task.yield() }
      try journal.answer(arrival, with: [11])
    }
    writer.cancel()
    try await writer.value
    #expect(try journal.recall().open.map(\.answer) == [[11]])
  }

  @Test("Only the last finished tasks are kept")
  func bounded() throws {
    let folder = try TemporaryFolder()
    let journal = try TaskJournal(path: folder.file("j.sqlite"), leastEpoch: 1, keeping: 5)
    for number in 0..<20 {
      let arrival = try journal.receive([UInt8(number)], for: route)
      try journal.answer(arrival, with: [0])
      journal.settle(arrival) { Issue.record($0) }
    }
    #expect(try journal.recall().finished.map(\.payload) == (15..<20).map { [UInt8($0)] })
  }
}
