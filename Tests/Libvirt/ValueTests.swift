import Testing

@testable import Libvirt

@Suite("libvirt's values in ours")
struct ValueTests {
  init() throws {
    // libvirt's lists want libvirt initialised, which otherwise the first connection does: its per-thread error is a
    // wild pointer before.
    try EventLoop.ensureRunning()
  }

  @Test("A job's figures are read from libvirt's list")
  func job() throws {
    var list = TypedParameters()
    try list.add("operation", Int32(5), for: "test")
    for (name, value) in [
      ("time_elapsed", 1500), ("data_total", 1000), ("data_processed", 600), ("data_remaining", 400),
      ("memory_total", 900), ("memory_processed", 550), ("memory_remaining", 350), ("memory_bps", 7),
      ("memory_dirty_rate", 100), ("memory_page_size", 4096), ("memory_iteration", 2), ("downtime", 300),
      ("setup_time", 1),
    ] as [(String, UInt64)] {
      try list.add(name, value, for: "test")
    }
    try list.add("auto_converge_throttle", Int32(20), for: "test")
    try list.add("errmsg", "why", for: "test")
    var expected = JobRecord(kind: .unbounded, operation: .outgoingMigration)
    expected.timeElapsed = 1500
    expected.dataTotal = 1000
    expected.dataProcessed = 600
    expected.dataRemaining = 400
    expected.memoryTotal = 900
    expected.memoryProcessed = 550
    expected.memoryRemaining = 350
    expected.memoryBps = 7
    expected.dirtyPagesPerSecond = 100
    expected.pageSize = 4096
    expected.iteration = 2
    expected.downtime = 300
    expected.setupTime = 1
    expected.throttle = 20
    expected.message = "why"
    let record = list.read { JobRecord(kind: .unbounded, $0) }
    #expect(record == expected)
    #expect(record.dirtyBytesPerSecond == 409_600)
  }

  @Test("A job without figures has zeros and nothing")
  func emptyJob() {
    let record = TypedParameters().read { JobRecord(completed: $0) }
    #expect(record == JobRecord(kind: .completed, operation: .unknown))
    #expect(record.dirtyBytesPerSecond == nil)
  }

  @Test("A dirty rate beyond all bounds is unknown rather than a trap")
  func absurdRate() {
    var record = JobRecord(kind: .unbounded, operation: .outgoingMigration)
    record.dirtyPagesPerSecond = .max
    record.pageSize = 4096
    #expect(record.dirtyBytesPerSecond == nil)
  }

  @Test("Kinds and operations have libvirt's numbers")
  func numbers() {
    #expect(
      (0...6).map { JobRecord.Kind(libvirt: $0) } == [
        .none, .bounded, .unbounded, .completed, .failed, .cancelled, .none,
      ])
    #expect(
      (0...11).map { JobRecord.Operation(libvirt: $0) } == [
        .unknown, .start, .save, .restore, .incomingMigration, .outgoingMigration, .snapshot, .snapshotRevert, .dump,
        .backup, .snapshotDelete, .unknown,
      ])
    #expect(
      (0...8).map { DomainState(libvirt: $0) } == [
        .noState, .running, .blocked, .paused, .shuttingDown, .shutOff, .crashed, .suspended, .noState,
      ])
    #expect(
      (0...9).map { LifecycleKind(libvirt: $0) } == [
        .defined, .undefined, .started, .suspended, .resumed, .stopped, .shutdown, .powerManagementSuspended, .crashed,
        .other,
      ])
    #expect(JobRecord.Kind(libvirt: -1) == .none)
    #expect(DomainState(libvirt: -1) == .noState)
  }

  @Test(
    "A migration is always peer-to-peer, and its options are libvirt's flags",
    arguments: [
      (MigrationOptions(), 2 | 1 | 4096),
      (MigrationOptions(live: true, movingDefinition: true), 2 | 1 | 4096 | 8 | 16),
      (MigrationOptions(live: false, movingDefinition: false), 2 | 4096),
    ] as [(MigrationOptions, UInt32)])
  func flags(options: MigrationOptions, flags: UInt32) {
    #expect(options.flags == flags)
  }

  @Test("Each option changes one flag")
  func singleFlags() {
    func flag(_ change: (inout MigrationOptions) -> Void) -> UInt32 {
      var options = MigrationOptions()
      change(&options)
      return options.flags ^ MigrationOptions().flags
    }
    #expect(flag { $0.live = false } == 1 << 0)
    #expect(flag { $0.persistDestination = true } == 1 << 3)
    #expect(flag { $0.undefineSource = true } == 1 << 4)
    #expect(flag { $0.paused = true } == 1 << 5)
    #expect(flag { $0.allowUnsafe = true } == 1 << 9)
    #expect(flag { $0.offline = true } == 1 << 10)
    #expect(flag { $0.compressed = true } == 1 << 11)
    #expect(flag { $0.abortOnError = false } == 1 << 12)
    #expect(flag { $0.autoConverge = true } == 1 << 13)
    #expect(flag { $0.postCopy = true } == 1 << 15)
    #expect(flag { $0.parallelConnections = 2 } == 1 << 17)
  }

  @Test("Only the options that are set are sent, under libvirt's names")
  func parameters() throws {
    var options = MigrationOptions()
    let none = try options.parameters(for: "test").count
    #expect(none == 0)
    options.bandwidth = 100
    options.postCopyBandwidth = 200
    options.autoConvergeInitial = 30
    options.autoConvergeIncrement = 10
    options.parallelConnections = 2
    options.destinationXML = "<domain/>"
    options.persistentXML = "<domain>p</domain>"
    options.destinationName = "other"
    options.migrationURI = "tcp://10.0.0.2"
    options.listenAddress = "10.0.0.2"
    let list = try options.parameters(for: "test")
    let all = list.count
    #expect(all == 10)
    list.read { list in
      #expect(list.unsigned("bandwidth") == 100)
      #expect(list.unsigned("bandwidth.postcopy") == 200)
      #expect(list.integer("auto_converge.initial") == 30)
      #expect(list.integer("auto_converge.increment") == 10)
      #expect(list.integer("parallel.connections") == 2)
      #expect(list.text("destination_xml") == "<domain/>")
      #expect(list.text("persistent_xml") == "<domain>p</domain>")
      #expect(list.text("destination_name") == "other")
      #expect(list.text("migrate_uri") == "tcp://10.0.0.2")
      #expect(list.text("listen_address") == "10.0.0.2")
      #expect(list.text("absent") == nil)
    }
  }

  @Test(
    "A version number is taken apart",
    arguments: [
      (9_000_000, "9.0.0"), (7_002_022, "7.2.22"), (10_011_003, "10.11.3"), (2, "0.0.2"),
    ] as [(UInt, String)])
  func version(number: UInt, text: String) {
    #expect(LibvirtConnection.version(number) == text)
  }

  @Test(
    "The host's CPU model is the one of the host, not of a guest",
    arguments: [
      ("<capabilities>\n <host>\n  <cpu>\n   <arch>x86_64</arch>\n   <model>EPYC</model>\n  </cpu>\n </host>", "EPYC"),
      ("<host>\n<cpu>\n<arch>i686</arch>\n</cpu>\n<x>\n<model>no</model>\n</x>\n</host>", nil),
      ("<host>\n</host>\n<guest>\n<cpu>\n<model>no</model>\n</cpu>\n</guest>", nil),
      ("<host>\n<secmodel>\n<model>none</model>\n</secmodel>\n</host>", nil),
      ("", nil),
    ] as [(String, String?)])
  func cpuModel(capabilities: String, model: String?) {
    #expect(LibvirtConnection.hostCPUModel(inCapabilities: capabilities) == model)
  }

  @Test(
    "The questions about an error follow its code",
    arguments: [
      (1, true), (3, false), (8, false), (9, true), (27, false), (38, true), (39, true), (42, false), (55, false),
      (67, false), (68, true), (78, false), (81, false), (86, true), (88, false),
    ] as [(Int32, Bool)])
  func retryable(code: Int32, isRetryable: Bool) {
    var error = LibvirtError(operation: "virDomainMigrateToURI3", code: code, domain: 10, message: "words")
    #expect(error.isRetryable == isRetryable)
    #expect(error.isNoDomain == (code == 42))
    #expect(error.isOperationInvalid == (code == 55))
    #expect(error.isOperationAborted == (code == 78))
    error.isConnectionLost = true
    #expect(error.isRetryable)
  }

  @Test("A machine that has stopped between the lookup and the question for its state is not active")
  func stoppedMeanwhile() {
    var record = DomainRecord(
      name: "vm1", uuid: "", id: 7, state: .shutOff, memory: 1024, vcpus: 1, isPersistent: false)
    #expect(!record.isActive)
    record.state = .paused
    #expect(record.isActive)
    record.id = nil
    #expect(record.isActive, "it has begun meanwhile")
    record.state = .crashed
    #expect(!record.isActive)
  }
}
