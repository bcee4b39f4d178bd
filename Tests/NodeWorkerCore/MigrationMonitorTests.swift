import MigfraProtocol
import NodeWorkerCore
import Testing

@Suite("What is done about a running migration")
struct MigrationMonitorTests {
  private func sample(_ seconds: Int, total: UInt64 = 100, pass: UInt64 = 1) -> MigrationMonitor.Sample {
    MigrationMonitor.Sample(elapsed: .seconds(seconds), totalBytes: total, pass: pass)
  }

  private func monitor(_ change: (inout MigrationTuning) -> Void) -> MigrationMonitor {
    var tuning = MigrationTuning()
    change(&tuning)
    return MigrationMonitor(tuning)
  }

  @Test("nothing, if nothing is asked for")
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
    #expect(slow.observe(sample(10)) == [.abort])
    #expect(slow.hasAborted)
    #expect(slow.observe(sample(11)) == [])
    slow.failed(.abort)
    #expect(slow.observe(sample(12)) == [.abort])

    var switched = monitor {
      $0.timeout = 10
      $0.postCopies = true
    }
    #expect(switched.observe(sample(5, pass: 2)) == [.startPostCopy])
    #expect(switched.observe(sample(20, pass: 2)) == [])
  }
}
