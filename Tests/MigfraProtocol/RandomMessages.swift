import ClusterModel
import MigfraProtocol

/// Messages of every shape, with the texts that readers and writers of YAML stumble over; the same seed, the same
/// messages.
struct RandomMessages {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  /// SplitMix64.
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }

  mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
  mutating func flip() -> Bool { next() % 2 == 0 }
  mutating func maybe<T>(_ make: (inout RandomMessages) -> T) -> T? { flip() ? make(&self) : nil }
  mutating func one<T>(of values: [T]) -> T { values[below(values.count)] }
  mutating func some<T>(_ most: Int, _ make: (inout RandomMessages) -> T) -> [T] {
    (0..<below(most + 1)).map { _ in make(&self) }
  }
  mutating func several<T>(_ most: Int, _ make: (inout RandomMessages) -> T) -> [T] {
    [make(&self)] + some(most - 1, make)
  }

  private static let words = [
    "0017", "17", "true", "no", "y", "1.5", "-1", "1e3", "0x1f", "0o7", "1:30", "1_000", "2001-01-01", "~", "null",
    "---", "...", "- a", "? a", "a: b", "a:", ":a", "a #b", "<<", "=", "&a", "*a", "!a", "%TAG", "@", "`", "|", ">",
    "'", "\"", "\\", "\\n", "[", "]", "{", "}", ",", "a,b", "[a]", "{a: b}", " ", "  ", " a", "a ", "$SYS", "ä",
    "e\u{301}", "😀", "\u{A0}", "\u{2028}", "\u{FEFF}", ".inf", ".nan", "<hostname>", "node1", "my vm", "%s%n",
    "unknown", "id", "list", "success", "Null", "Off",
  ]
  private static let controls = [
    "\n", "\n\n", "a\nb", "a\n", " a\nb", "a\r\nb", "\t", "\u{7}", "\u{7F}", "\u{85}", "\u{1B}[0m",
  ]

  /// Without NUL, which no message may carry.
  mutating func text() -> String {
    switch below(4) {
    case 0: one(of: Self.controls)
    case 1: several(3) { $0.one(of: Self.words + Self.controls) }.joined()
    default: one(of: Self.words)
    }
  }

  mutating func vm() -> VMName {
    while true {
      let name = VMName(rawValue: flip() ? "vm\(below(100))" : several(2) { $0.one(of: Self.words) }.joined())
      if name.isValid { return name }
    }
  }

  mutating func job() -> JobName {
    while true {
      let name = JobName(rawValue: text())
      if name.isValid { return name }
    }
  }

  mutating func host() -> HostName {
    one(of: ["node1", "0017", "true", "1.5", "1e3", "no", "10.77.0.1", "_", "a.b-c_d", "0x1f", "null", "2001-01-01"])
  }

  mutating func id() -> TaskID { TaskID(rawValue: text()) }
  mutating func planID() -> PlanID { PlanID(rawValue: text()) }

  /// Never beyond a thousandth of a second, which is as much as is written.
  mutating func seconds() -> Double { Double(below(1_000_000_000)) / 1000 }
  mutating func number() -> Int { one(of: [0, 1, below(1000), below(1 << 40), Int.max]) }

  // MARK: - Tasks

  mutating func task() -> TaskMessage {
    let body: TaskMessage.Body =
      switch below(17) {
      case 0: .start(several(3) { $0.start() })
      case 1: .stop(several(3) { $0.stop() })
      case 2: .suspend(several(3) { $0.vm() })
      case 3: .resume(several(3) { $0.vm() })
      case 4: .cordon(reason: text())
      case 5: .uncordon
      case 6: flip() ? .quit : .repin(several(3) { VMRepin(vm: $0.vm(), map: [[0], [1, 2]]) })
      case 7:
        .migrate(
          VMMigration(
            vm: vm(), destination: host(), type: maybe { $0.one(of: MigrationType.allCases) },
            retries: maybe { $0.number() }, tuning: tuning(withMap: true),
            partner: maybe { SwapPartner(vm: $0.vm(), hookProcesses: $0.hook(), vcpuMap: $0.maybe { _ in [[7]] }) }))
      case 8: .cancel(TaskID(rawValue: "x" + text()))
      case 9:
        flip() ? .pauseOperation(TaskID(rawValue: "x" + text())) : .resumeOperation(TaskID(rawValue: "x" + text()))
      case 10: .restore(NodeRestore(way: travel(), isDryRun: flip()))
      case 11: .rearrange(rearrangement())
      case 12: .apply(planID())
      case 13: .hold(JobHold(vm: vm(), processes: hook() ?? .announced, lease: 1 + below(86_400)))
      case 14: .release(JobRelease(vm: vm(), processes: hook()))
      default:
        .evacuate(
          NodeEvacuation(
            hosts: some(2) { $0.host() }, destinations: some(3) { $0.host() },
            mode: maybe { $0.one(of: PlacementMode.allCases) },
            migrationType: maybe { $0.one(of: MigrationType.allCases) }, overbooking: maybe { $0.flip() },
            cpuRatio: maybe { Double(4 + $0.below(40)) / 4 }, retries: maybe { $0.number() },
            bestEffort: maybe { $0.flip() },
            deadline: maybe { Deadline(seconds: 1 + $0.below(1000), policy: $0.one(of: Deadline.Policy.allCases)) },
            tuning: tuning(withMap: false),
            isDryRun: flip()))
      }
    let isCordon = if case .cordon = body { true } else { false }
    return TaskMessage(
      id: maybe { $0.id() }, host: maybe { $0.host() }, body: body, measuresTime: flip(),
      notAfter: maybe { $0.seconds() }, epoch: maybe { Epoch($0.number()) },
      requester: maybe { $0.text() }, reason: isCordon ? nil : maybe { $0.text() },
      driver: maybe { $0.one(of: ["qemu", "0017", "true", "a b"]) })
  }

  private mutating func travel() -> VMTravel {
    VMTravel(
      type: maybe { $0.one(of: MigrationType.allCases) }, retries: maybe { $0.number() },
      overbooking: maybe { $0.flip() }, tuning: tuning(withMap: false))
  }

  private mutating func rearrangement() -> VMRearrangement {
    VMRearrangement(
      several(3) { VMRearrangement.Move(vm: $0.vm(), destination: $0.host()) }, way: travel(), isDryRun: flip())
  }

  private mutating func hook() -> HookProcesses? { one(of: [nil, .announced, .count(1 + below(100))]) }

  private mutating func tuning(withMap: Bool) -> MigrationTuning {
    var tuning = MigrationTuning()
    if withMap { tuning.vcpuMap = maybe { _ in [[0, 1], [4095]] } }
    tuning.hookProcesses = hook()
    tuning.usesRDMA = flip()
    tuning.transport = maybe { $0.one(of: LibvirtTransport.allCases) }
    tuning.bandwidth = maybe { 1 + $0.below(1000) }
    tuning.autoConverges = flip()
    tuning.postCopies = flip()
    tuning.parallelConnections = maybe { 1 + $0.below(1000) }
    tuning.compresses = flip()
    tuning.timeout = maybe { 1 + $0.below(1000) }
    tuning.downtimeLimit = maybe { 1 + $0.below(1000) }
    tuning.nonConvergence = maybe { $0.one(of: NonConvergence.allCases) }
    return tuning
  }

  private static let patterns = ["vm.*", "[a-c]+[0-9]", "true", "0017", "a: b"].compactMap { try? NamePattern($0) }

  private mutating func stop() -> VMStop {
    flip()
      ? VMStop(vm: vm(), isForced: flip(), undefines: flip(), strayUUID: maybe { $0.text() })
      : VMStop(matching: one(of: Self.patterns), isForced: flip(), undefines: flip())
  }

  private mutating func start() -> VMStart {
    let name = vm()
    let source: VMStart.Source =
      flip() ? .defined(name) : .xml("<domain>\(text())</domain>", isTransient: flip())
    let isNamed = if case .defined = source { true } else { flip() }
    var start = VMStart(
      source: source, name: isNamed ? name : nil, memoryKiB: maybe { 1 + $0.below(1 << 36) },
      vcpus: maybe { 1 + $0.below(1000) }, awaitsSSH: flip(), probeHostname: maybe { $0.host().rawValue })
    start.job = maybe { $0.job() }
    start.vcpuMap = maybe { _ in [[1], [2, 3]] }
    start.memoryNodes = maybe { _ in [[0]] }
    start.pciIDs = some(2) { PCIDeviceID(vendor: UInt16($0.below(1 << 16)), device: UInt16($0.below(1 << 16))) }
    if flip() {
      start.devices = [PCIAddress(domain: below(1 << 16), bus: below(256), slot: below(32), function: below(8))]
    }
    start.sharedMemory = maybe {
      SharedMemory(id: $0.one(of: ["a", "0017", "true", "x.y"]), sizeMiB: 1 << $0.below(20))
    }
    return start
  }

  // MARK: - Results

  mutating func result() -> TaskResult {
    let title = one(of: TaskResult.Title.allCases)
    var result = TaskResult(
      title: title, id: maybe { $0.id() }, scheduler: maybe { $0.text() },
      entries: title.isFlat && flip() ? [outcome()] : some(4) { $0.outcome() }, plan: maybe { $0.planID() })
    result.epoch = maybe { Epoch($0.number()) }
    if title.isFlat, result.entries.count == 1 { return result }
    // What concerns a host or a task always says how the whole went.
    let saysAll = TaskMessage.Kind.allCases.contains { $0.title == title && $0.concernsWhole } || flip()
    result.status = saysAll ? one(of: TaskResult.Status.allCases) : nil
    result.details = saysAll ? text() : maybe { $0.text() }
    result.code = maybe { $0.one(of: ErrorCode.allCases) }
    result.times = times()
    return result
  }

  private mutating func outcome() -> VMOutcome {
    flip()
      ? VMOutcome(
        vm: VMName(rawValue: text()), details: maybe { $0.text() }, processID: maybe { $0.number() }, times: times())
      : VMOutcome(
        vm: VMName(rawValue: text()), failure: one(of: ErrorCode.allCases), details: text(), times: times())
  }

  private mutating func times() -> [TimeMeasurement] {
    some(3) { TimeMeasurement($0.text(), seconds: $0.seconds()) }
  }

  // MARK: - Damage

  /// The text with some bytes changed, dropped, doubled or put in.
  mutating func damaged(_ text: [UInt8]) -> [UInt8] {
    var text = text
    for _ in 0...below(4) where !text.isEmpty {
      let place = below(text.count)
      switch below(4) {
      case 0: text[place] = UInt8(truncatingIfNeeded: next())
      case 1: text.remove(at: place)
      case 2: text.insert(contentsOf: text[place..<min(text.count, place + below(20))], at: place)
      default: text.insert(contentsOf: self.text().utf8, at: place)
      }
    }
    return text
  }
}
