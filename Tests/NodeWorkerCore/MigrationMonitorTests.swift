import MigfraProtocol
import NodeWorkerCore
import Testing

@Suite("What is done about a running migration")
struct MigrationMonitorTests {
  private func sample(
    _ seconds: Int, total: UInt64 = 100, pass: UInt64 = 1, remaining: UInt64 = 50, sent: UInt64? = nil
  ) -> MigrationMonitor.Sample {
    MigrationMonitor.Sample(
      elapsed: .seconds(seconds), totalBytes: total, sentBytes: sent ?? UInt64(seconds), remainingBytes: remaining,
      pass: pass)
  }

  private func monitor(_ change: (inout MigrationTuning) -> Void) -> MigrationMonitor {
    var tuning = MigrationTuning()
    change(&tuning)
    return MigrationMonitor(tuning)
  }

  @Test("nothing, if nothing is asked for and bytes move")
  func nothing() {
    var monitor = monitor { _ in }
    for second in 0..<1000 { #expect(monitor.observe(sample(second, pass: UInt64(second))) == []) }
  }

  @Test("the downtime is limited once, when the copy has begun")
  func downtime() {
    var monitor = monitor { $0.downtimeLimit = 40 }
    #expect(monitor.observe(sample(0, total: 0)) == [])
    #expect(monitor.observe(sample(1)) == [.limitDowntime(40)])
    #expect(monitor.observe(sample(2)) == [])
    monitor.failed(.limitDowntime(40))
    #expect(monitor.observe(sample(3)) == [.limitDowntime(40)])
  }

  @Test("post-copy begins with the second pass, and a refusal is asked for again")
  func postCopy() {
    var monitor = monitor { $0.postCopies = true }
    #expect(monitor.needsPostCopy)
    #expect(monitor.observe(sample(1)) == [])
    #expect(monitor.observe(sample(2, pass: 2)) == [.startPostCopy])
    monitor.failed(.startPostCopy)
    #expect(monitor.observe(sample(3, pass: 2)) == [.startPostCopy])
    #expect(monitor.observe(sample(4, pass: 3)) == [])
  }

  @Test("a migration that takes too long is given up, but not after the switch to post-copy")
  func timeout() {
    var slow = monitor { $0.timeout = 10 }
    #expect(slow.observe(sample(9)) == [])
    #expect(slow.observe(sample(10)) == [.abort(.timeout)])
    #expect(slow.cause == .timeout)
    #expect(slow.observe(sample(11)) == [])
    slow.failed(.abort(.timeout))
    #expect(slow.observe(sample(12)) == [.abort(.timeout)])

    var switched = monitor {
      $0.timeout = 10
      $0.postCopies = true
    }
    #expect(switched.observe(sample(5, pass: 2)) == [.startPostCopy])
    #expect(switched.observe(sample(20, pass: 2)) == [])
  }

  @Test("a migration in which no byte moves any more is given up; while the destination is prepared, none has to")
  func stall() {
    var monitor = MigrationMonitor(MigrationTuning(), patience: .seconds(30))
    for second in 0..<100 { #expect(monitor.observe(sample(second, total: 0, sent: 0)) == []) }
    #expect(monitor.observe(sample(100, sent: 7)) == [])
    #expect(monitor.observe(sample(129, sent: 7)) == [])
    #expect(monitor.observe(sample(130, sent: 7)) == [.abort(.stalled)])
    #expect(monitor.cause == .stalled)
  }

  /// What is done in twelve passes after each of which `remaining` bytes are left.
  private func actions(_ policy: NonConvergence, remaining: (UInt64) -> UInt64) -> [MigrationMonitor.Action] {
    var monitor = monitor { $0.nonConvergence = policy }
    return (1...12).flatMap { monitor.observe(sample(Int($0), pass: $0, remaining: remaining($0))) }
  }

  @Test("a guest that writes less and less is left alone", arguments: NonConvergence.allCases)
  func converging(_ policy: NonConvergence) {
    #expect(actions(policy) { 1_000_000 >> $0 } == [])
  }

  @Test(
    "a guest that writes faster than its memory is copied: what the task says",
    arguments: [
      (NonConvergence.wait, []), (.giveUp, [.abort(.notConverging)]), (.postCopy, [.startPostCopy]),
      (.downtime, [600, 1200, 2400, 4800, 9600, 10_000].map { .limitDowntime($0) }),
    ] as [(NonConvergence, [MigrationMonitor.Action])])
  func notConverging(_ policy: NonConvergence, _ expected: [MigrationMonitor.Action]) {
    #expect(actions(policy) { _ in 1000 } == expected)
  }

  @Test("the configuration's word counts for a task that leaves it open")
  func usualPolicy() {
    #expect(MigrationMonitor(MigrationTuning(), nonConvergence: .postCopy).needsPostCopy)
    var tuning = MigrationTuning()
    tuning.nonConvergence = .wait
    #expect(!MigrationMonitor(tuning, nonConvergence: .postCopy).needsPostCopy)
  }
}
