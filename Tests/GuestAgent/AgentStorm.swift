import ClusterModel
import GuestAgentCore
import MigfraProtocol
import VirtualTime

/// The agent's surroundings: processes that toggle, clients that ask again and again, a machine that kills the agent.
struct AgentStorm {
  private enum Happening {
    case event(AgentEvent)
    case look
    case request
    case begin
    case end
    /// A process takes the signal that waits for it.
    case take(ProcessIdentity)
    case crash
  }

  /// A process as it is, whatever the agent thinks of it.
  private struct Reality {
    var isSuspended = false
    var isSignalPending = false
    var signals = 0
    /// What was asked of it last, which each signal must lead to or have led to.
    var wishes: [PscomRequest] = []
    /// Requests since the last answer.
    var unanswered = 0
  }

  private var machine = AgentMachine(AgentBench.settings)
  private var generator: SeededGenerator
  private var now = Duration.zero
  private var happenings = EventQueue<Happening>()
  private var processes: [ProcessIdentity: Reality] = [:]
  private var announced: [Int32: PscomProcessReport.State] = [:]
  private var saved: AgentRecord?
  private var starts: UInt64 = 0
  /// Timers of agents that were killed do not fire.
  private var incarnation = 0
  private var timers: [AgentTimer: Int] = [:]
  private(set) var log: [String] = []
  private(set) var problem: String?

  init(seed: UInt64) {
    generator = SeededGenerator(seed: seed)
    for _ in 0..<30 { happenings.add(.request, at: time(30_000)) }
    for _ in 0..<6 { happenings.add(.begin, at: time(20_000)) }
    for _ in 0..<3 { happenings.add(.end, at: time(30_000)) }
    for _ in 0..<3 { happenings.add(.crash, at: time(30_000)) }
    for _ in 0..<30 { happenings.add(.look, at: time(30_000)) }
    // What still waits for its turn is done then.
    for second in 12...40 { happenings.add(.look, at: .seconds(5 * second)) }
  }

  private mutating func time(_ milliseconds: Int) -> Duration {
    now + .milliseconds(Int.random(in: 1...milliseconds, using: &generator))
  }

  /// Lets the next thing happen; false: nothing more will.
  mutating func step() -> Bool {
    guard let (at, happening) = happenings.next() else {
      checkEnd()
      return false
    }
    now = at
    switch happening {
    case .event(.timerFired(let timer)):
      guard timers.removeValue(forKey: timer) == incarnation else { return true }
      look()
      handle(.timerFired(timer))
    case .event(let event): handle(event)
    case .look: look()
    case .request: request()
    case .begin: begin()
    case .end:
      if let victim = identities.randomElement(using: &generator) {
        note("\(victim.pid) ends")
        processes[victim] = nil
      }
    case .take(let identity):
      note("\(identity.pid) takes its signal")
      processes[identity]?.isSignalPending = false
      processes[identity]?.isSuspended.toggle()
    case .crash: crash()
    }
    return true
  }

  private var identities: [ProcessIdentity] { processes.keys.sorted { $0.startTime < $1.startTime } }

  private mutating func note(_ text: String) {
    log.append("\(now): \(text)")
  }

  private mutating func begin() {
    starts += 1
    // Few numbers, so that they are given away again.
    let pid = Int32.random(in: 1...3, using: &generator)
    guard !processes.keys.contains(where: { $0.pid == pid }) else { return }
    processes[ProcessIdentity(pid: pid, startTime: starts)] = Reality()
    note("\(pid) begins")
  }

  private mutating func look() {
    handle(
      .processesObserved(
        identities.map {
          ObservedProcess($0, signal: 10, isSignalPending: processes[$0]?.isSignalPending ?? false)
        }))
  }

  private mutating func request() {
    look()
    let request = PscomRequest.allCases.randomElement(using: &generator) ?? .suspend
    let isForAll = generator.happens(30)
    let pid = isForAll ? nil : Int32.random(in: 1...3, using: &generator)
    note("\(request) \(pid.map(String.init) ?? "all")")
    let times = generator.happens(30) ? 2 : 1
    for _ in 0..<times {
      for identity in identities where pid == nil || identity.pid == pid {
        processes[identity]?.wishes.append(request)
        processes[identity]?.unanswered += 1
      }
      handle(.requested(request, process: pid.map { "\($0)" } ?? PscomTopics.everyProcess, expiry: nil))
    }
  }

  /// The agent is killed and starts again with what is on disk.
  private mutating func crash() {
    note("crash")
    incarnation += 1
    machine = AgentMachine(AgentBench.settings, recalled: saved)
    // Whoever waited for an answer waits in vain, and what waited for its turn is lost.
    for identity in identities {
      processes[identity]?.unanswered = 0
      let process = processes[identity]
      let isSuspended = process?.isSuspended != process?.isSignalPending
      processes[identity]?.wishes = [isSuspended ? .suspend : .resume]
    }
    look()
  }

  private mutating func handle(_ event: AgentEvent) {
    for effect in machine.handle(event, at: Moment(uptime: now, unixTime: 0)) where problem == nil {
      switch effect {
      case .save(let record): saved = record
      case .signal(let toggles, let intent):
        saved = intent
        let outcomes = toggles.map { send($0) }
        // Killed between the signals and the record of them: the intent must do. It is not the truth of a signal that
        // was refused, which is known and documented.
        if outcomes.allSatisfy({ $0.outcome == .sent }), generator.happens(10) { return crash() }
        handle(.signalled(outcomes))
      case .announce(let announcement, let report): announced[announcement.pid] = report.state
      case .withdraw(let announcement):
        announced[announcement.pid] = nil
        happenings.add(.event(.withdrawn(announcement)), at: now + .milliseconds(5))
      case .answer(let process, let answer): take(answer, of: process)
      case .setTimer(let timer, let pause):
        timers[timer] = incarnation
        happenings.add(.event(.timerFired(timer)), at: now + pause)
      case .note: break
      }
    }
  }

  private mutating func send(_ toggle: Toggle) -> Signalled {
    guard var process = processes[toggle.process] else { return Signalled(toggle.process, .gone) }
    guard !generator.happens(5) else { return Signalled(toggle.process, .refused("no")) }
    if process.isSignalPending { problem = "\(toggle.process.pid) got a second signal before it took the first" }
    let wish: PscomRequest = process.isSuspended ? .resume : .suspend
    process.signals += 1
    note("signal \(process.signals) to \(toggle.process.pid): \(wish.rawValue)")
    if generator.happens(15) {
      process.isSignalPending = true
      happenings.add(.take(toggle.process), at: time(4000))
    } else {
      process.isSuspended.toggle()
    }
    // Each wish may be used by one signal, and wishes come in order: those before it are answered or done.
    if let index = process.wishes.firstIndex(of: wish) {
      process.wishes.removeFirst(index + 1)
    } else {
      problem = "\(toggle.process.pid) was toggled to \(wish.rawValue), which nobody wants"
    }
    processes[toggle.process] = process
    return Signalled(toggle.process, .sent)
  }

  private mutating func take(_ answer: PscomAnswer, of process: String) {
    note("\(process) answers \(answer.request?.rawValue ?? "?") \(answer.details ?? "success")")
    guard let identity = identities.first(where: { "\($0.pid)" == process }) else { return }
    processes[identity]?.unanswered = 0
    guard answer.isSuccess, let request = answer.request else { return }
    let isSuspended = processes[identity]?.isSuspended
    if isSuspended != (request == .suspend) { problem = "\(process) says \(request.rawValue) and is not" }
  }

  private mutating func checkEnd() {
    for identity in identities {
      guard let process = processes[identity] else { continue }
      let state: PscomProcessReport.State = process.isSuspended ? .suspended : .running
      if announced[identity.pid] != state { problem = "\(identity.pid) is \(state), and something else is announced" }
      if process.unanswered > 0 { problem = "\(identity.pid) has not answered" }
    }
    for pid in announced.keys where !processes.keys.contains(where: { $0.pid == pid }) {
      problem = "\(pid) has ended and is announced"
    }
    if saved?.stale.isEmpty == false { problem = "what the broker has taken back is still on disk" }
  }
}
