import ClusterModel
import MigfraProtocol
import Testing

/// 20 seeds with 100 messages each: what is written is read back as it was.
@Suite("What is written is read back as it was")
struct RoundTripTests {
  private func messages<T: Equatable>(
    _ seed: Int, _ make: (inout RandomMessages) -> T, _ pass: (T) throws -> T
  ) rethrows {
    var random = RandomMessages(seed: UInt64(seed))
    for _ in 0..<100 {
      let message = make(&random)
      let back = try pass(message)
      #expect(back == message)
    }
  }

  @Test("tasks", arguments: 1...20)
  func tasks(_ seed: Int) throws {
    try messages(seed, { $0.task() }) { try TaskMessage.decode($0.encoded()) }
  }

  @Test("results", arguments: 1...20)
  func results(_ seed: Int) throws {
    try messages(seed, { $0.result() }) { try TaskResult.decode($0.encoded()) }
  }

  @Test("reports of hosts", arguments: 1...20)
  func hostReports(_ seed: Int) throws {
    try messages(seed, { $0.hostReport() }) { try HostReport.decode($0.encoded()) }
  }

  @Test("reports of plans", arguments: 1...20)
  func planReports(_ seed: Int) throws {
    try messages(seed, { $0.planReport() }) { try PlanReport.decode($0.encoded()) }
  }

  @Test("progress", arguments: 1...20)
  func progress(_ seed: Int) throws {
    try messages(seed, { $0.progress() }) { try MigrationProgress.decode($0.encoded()) }
  }

  @Test("machines by themselves", arguments: 1...20)
  func machines(_ seed: Int) throws {
    try messages(seed, { $0.machine() }) { try VirtualMachine.decode($0.encoded()) }
  }

  @Test("states of nodes and of the coordinator", arguments: 1...20)
  func small(_ seed: Int) throws {
    try messages(seed, { $0.nodeReport() }) {
      try NodeReport.decode($0.encoded())
    }
    try messages(
      seed,
      {
        CoordinatorReport(
          isOnline: $0.flip(), epoch: $0.next(), version: $0.text(), journal: $0.maybe { $0.text() })
      }
    ) {
      try CoordinatorReport.decode($0.encoded())
    }
    try messages(seed, { $0.news() }) { try CoordinatorNews.decode($0.encoded()) }
  }

  @Test("equal tasks have equal fingerprints, whoever orders them, and no others", arguments: 1...10)
  func fingerprints(_ seed: Int) throws {
    var random = RandomMessages(seed: UInt64(seed))
    var seen: [UInt64: TaskMessage] = [:]
    for _ in 0..<500 {
      var task = random.task()
      let back = try TaskMessage.decode(task.encoded())
      #expect(back.fingerprint == task.fingerprint)
      task.epoch = nil
      if let other = seen.updateValue(task, forKey: task.fingerprint) { #expect(other == task) }
    }
  }

  @Test("a fingerprint is the same on every machine and in every version")
  func knownFingerprint() {
    #expect(TaskMessage(id: "a", body: .suspend(["vm1"])).fingerprint == 4_641_998_107_564_107_033)
  }
}
