import ClusterModel
import GuestAgentCore
import MigfraProtocol

/// A guest agent in virtual time; its signals arrive as a test says.
struct AgentBench {
  private(set) var machine: AgentMachine
  private(set) var now = Duration.zero
  /// What the agent wanted since it was last asked.
  private(set) var effects: [AgentEffect] = []
  private(set) var observed: [ObservedProcess] = []
  /// Signals that were wanted, and whose outcome was not told.
  private(set) var toggles: [Toggle] = []
  /// What is on disk.
  private(set) var record: AgentRecord?
  /// What becomes of a signal; nil: that is told later.
  var outcome: Signalled.Outcome? = .sent
  private var timers: [(at: Duration, timer: AgentTimer)] = []

  static let settings = AgentMachine.Configuration(vm: "vm1", boot: "b1", settleTime: .seconds(1), waitingLimit: 3)

  init(_ processes: Int32..., recalled: AgentRecord? = nil) {
    self.init(recalled: recalled, observing: processes.map { Self.process($0) })
  }

  init(recalled: AgentRecord?, observing processes: [ObservedProcess]) {
    machine = AgentMachine(Self.settings, recalled: recalled)
    record = recalled
    observe(processes)
  }

  static func process(_ pid: Int32, start: UInt64 = 100, signal: Int32 = 10, pending: Bool = false) -> ObservedProcess {
    ObservedProcess(ProcessIdentity(pid: pid, startTime: start), signal: signal, isSignalPending: pending)
  }

  mutating func observe(_ processes: [ObservedProcess]) {
    observed = processes
    handle(.processesObserved(processes))
  }

  mutating func ask(_ request: PscomRequest, of process: String = "7", expiry: Duration? = nil) {
    handle(.requested(request, process: process, expiry: expiry))
  }

  mutating func handle(_ event: AgentEvent) {
    let wanted = machine.handle(event, at: Moment(uptime: now, unixTime: 0))
    effects += wanted
    for effect in wanted {
      switch effect {
      case .save(let record): self.record = record
      case .signal(let toggles, let intent):
        record = intent
        self.toggles += toggles
      case .setTimer(let timer, let pause): timers.append((now + pause, timer))
      case .announce, .withdraw, .answer, .note: break
      }
    }
    if let outcome { tell(outcome) }
  }

  /// Tells what became of the signals that were wanted.
  mutating func tell(_ outcome: Signalled.Outcome) {
    guard !toggles.isEmpty else { return }
    let outcomes = toggles.map { Signalled($0.process, outcome) }
    toggles = []
    handle(.signalled(outcomes))
  }

  /// Time passes; what is due happens, on a look of its own.
  mutating func pass(_ duration: Duration = .seconds(1)) {
    let end = now + duration
    while let next = timers.indices.min(by: { timers[$0].at < timers[$1].at }), timers[next].at <= end {
      let due = timers.remove(at: next)
      now = max(now, due.at)
      observe(observed)
      handle(.timerFired(due.timer))
    }
    now = end
  }

  /// What was wanted since the last time, as short words; what is for the log and the disk is left out.
  mutating func news() -> [String] {
    defer { effects = [] }
    return effects.flatMap { effect -> [String] in
      switch effect {
      case .signal(let toggles, _): toggles.map { "signal \($0.signal) to \($0.process.pid)" }
      case .announce(let announcement, let report): ["\(announcement.vm)/\(announcement.pid) is \(report.state)"]
      case .withdraw(let announcement): ["\(announcement.vm)/\(announcement.pid) is no more"]
      case .answer(let process, let answer):
        ["\(process): \(answer.request?.rawValue ?? "?") \(answer.details ?? "success")"]
      case .save, .setTimer, .note: []
      }
    }
  }
}
