public import ClusterModel
import MigfraProtocol

/// The guest agent's rules: takes what happened and the time, gives back what is to be done. No I/O, no clock.
///
/// A process of ParaStation MPI toggles between running and suspended with each signal, and acknowledges nothing. So
/// what counts is never to send a second signal for one wish:
///
///     resting(running) ── suspend ──► signalling(suspended) ── sent ──► settling(suspended) ── time ─┐
///          ▲   ▲                            │ refused                                                 │
///          │   └────────────────────────────┘                                                         ▼
///          └─ time ── settling(running) ◄── sent ── signalling(running) ◄── resume ── resting(suspended)
///
/// Requests for one process are carried out one after another. The process that ends is forgotten from any state.
public struct AgentMachine: Sendable {
  public struct Configuration: Sendable {
    public var vm: VMName
    /// Of the boot that the processes belong to.
    public var boot: String
    public var settleTime: Duration
    /// How many requests may wait for one process; repeats do not count.
    public var waitingLimit: Int

    public init(vm: VMName, boot: String, settleTime: Duration = .seconds(1), waitingLimit: Int = 16) {
      self.vm = vm
      self.boot = boot
      self.settleTime = settleTime
      self.waitingLimit = waitingLimit
    }
  }

  let configuration: Configuration
  var processes: [Int32: TrackedProcess] = [:]
  /// Announcements that the broker has not yet taken back.
  var stale: Set<AgentRecord.Announcement> = []
  /// Signals that the event being handled brings about.
  var toggles: [Toggle] = []
  /// What is on disk.
  private var saved: AgentRecord?
  /// Nothing is done before the processes have been looked at.
  private(set) var hasLooked = false

  /// - Parameter recalled: what the last run has left; nil: nothing.
  public init(_ configuration: Configuration, recalled: AgentRecord? = nil) {
    self.configuration = configuration
    guard let recalled else { return }
    saved = recalled
    stale = Set(recalled.stale)
    for process in recalled.processes {
      // After another boot the same number and start time mean another process.
      if recalled.boot == configuration.boot {
        processes[process.identity.pid] = TrackedProcess(recalled: process)
      }
      if recalled.boot != configuration.boot || recalled.vm != configuration.vm {
        stale.insert(AgentRecord.Announcement(vm: recalled.vm, pid: process.identity.pid))
      }
    }
  }

  /// Processes that are suspended, or will be in a moment.
  public var suspended: [Int32] { pids.filter { processes[$0]?.state == .suspended } }

  public mutating func handle(_ event: AgentEvent, at now: Moment) -> [AgentEffect] {
    var effects = decide(event, at: now)
    let record = record
    if !toggles.isEmpty {
      // Last: what is answered is what was so before.
      effects.append(.signal(toggles, intent: record))
      toggles = []
    } else if record != saved {
      effects.insert(.save(record), at: 0)
    }
    saved = record
    return effects
  }

  private mutating func decide(_ event: AgentEvent, at now: Moment) -> [AgentEffect] {
    switch event {
    case .busConnected:
      return pids.compactMap { pid in
        processes[pid]?.announced.map { .announce(announcement(pid), PscomProcessReport($0)) }
      }
    case .processesObserved(let observed): return observe(observed, at: now)
    case .requested(let request, let process, let expiry):
      return receive(request, for: process, deadline: expiry.map { now.uptime + $0 }, at: now)
    case .signalled(let outcomes): return outcomes.flatMap { take($0, at: now) }
    case .timerFired(let timer): return settle(timer, at: now)
    case .withdrawn(let announcement):
      stale.remove(announcement)
      return []
    }
  }

  private var record: AgentRecord {
    AgentRecord(
      vm: configuration.vm, boot: configuration.boot, processes: pids.compactMap { processes[$0]?.recorded },
      stale: stale.sorted { ($0.vm, $0.pid) < ($1.vm, $1.pid) })
  }

  var pids: [Int32] { processes.keys.sorted() }

  func announcement(_ pid: Int32) -> AgentRecord.Announcement {
    AgentRecord.Announcement(vm: configuration.vm, pid: pid)
  }

  private mutating func observe(_ observed: [ObservedProcess], at now: Moment) -> [AgentEffect] {
    let seen = Dictionary(observed.map { ($0.identity.pid, $0) }) { first, _ in first }
    var effects: [AgentEffect] = []
    for pid in pids where processes[pid]?.identity != seen[pid]?.identity { effects += end(pid) }
    for process in seen.values.sorted(by: { $0.identity.pid < $1.identity.pid }) {
      let pid = process.identity.pid
      if processes[pid] == nil {
        processes[pid] = TrackedProcess(process)
        effects.append(note("a process that can be suspended was found", pid, ["signal": "\(process.signal)"]))
      } else {
        processes[pid]?.take(process)
      }
      effects += announceNews(pid) + proceed(pid, at: now)
    }
    if !hasLooked {
      hasLooked = true
      // What the last run could not take back, and what it has left of processes that are no more.
      effects =
        stale.sorted { ($0.vm, $0.pid) < ($1.vm, $1.pid) }.filter { !effects.contains(.withdraw($0)) }
        .map { .withdraw($0) } + effects
    }
    return effects
  }

  /// Says what the process is now, if that was not said before.
  mutating func announceNews(_ pid: Int32) -> [AgentEffect] {
    guard let process = processes[pid], process.isResting, !process.isSignalPending,
      process.announced != process.state
    else { return [] }
    processes[pid]?.announced = process.state
    // It stands where something may be waiting to be taken back.
    stale.remove(announcement(pid))
    return [.announce(announcement(pid), PscomProcessReport(process.state))]
  }

  /// The process is no more: whoever waits for it hears so. That it has ended comes first: who knows that, need not
  /// take the rest for a failure.
  mutating func end(_ pid: Int32) -> [AgentEffect] {
    guard let process = processes.removeValue(forKey: pid) else { return [] }
    let requests = (process.underWay.map { [$0] } ?? []) + process.waiting.map(\.request)
    stale.insert(announcement(pid))
    return [note("a process has ended", pid, ["state": process.state.rawValue]), .withdraw(announcement(pid))]
      + requests.map { failure($0, "\(pid)", "process \(pid) of \(configuration.vm) has ended") }
  }

  func note(
    _ message: String, _ pid: Int32, _ metadata: [String: String] = [:], level: Note.Level = .info
  ) -> AgentEffect {
    .note(Note(level, message, metadata.merging(["process": "\(pid)"]) { first, _ in first }))
  }

  func failure(_ request: PscomRequest, _ process: String, _ details: String) -> AgentEffect {
    .answer(process: process, PscomAnswer(request, isSuccess: false, details: details))
  }
}
