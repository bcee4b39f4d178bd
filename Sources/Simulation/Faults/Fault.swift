import ClusterModel
import VirtualTime

/// Something that goes wrong at a moment of a history. All are drawn before it begins, so that one can be left out.
struct Fault: Sendable, CustomStringConvertible {
  enum Kind: Sendable {
    /// The program is killed after so many more effects, at once if there are fewer than none, and comes back.
    case death(Client, effects: Int, away: Duration)
    /// The coordinator's process stands still, and goes on after so long; another has been started in its place.
    case standstill(Duration)
    /// The host is without power; its machines are lost.
    case powerFailure(HostName, away: Duration)
    /// The program and the broker do not hear each other.
    case partition(Client, Duration)
    /// Everybody is disconnected; sessions and what is kept survive.
    case brokerRestart(away: Duration)
    /// Every message is handed over twice.
    case doubling(Duration)
    /// Messages take up to so long, each topic for itself.
    case delays(upTo: Duration, Duration)
    /// Messages that may be lost are.
    case loss(Duration)
    /// The next job of the host's hypervisor ends like this.
    case job(HostName, JobTrouble)
    /// The host's hypervisor cannot be asked.
    case hypervisorAway(HostName, Duration)
    /// Changes of the host's machines are seen so much later.
    case lateLooks(HostName, by: Duration, Duration)
    /// The program's journal cannot be written.
    case fullDisk(HostName, Duration)
    /// The clock of the host goes wrong by seconds.
    case clockJump(Client, seconds: Double)
    /// A machine's processes answer after so long, or refuse, or the first of them ends.
    case slowJob(VMName, Duration)
    case refusal(VMName)
    case processDeath(VMName)
    /// Somebody defines the machine, which runs elsewhere, on the host, and sees it after so long.
    case leftover(VMName, HostName, Duration)
  }

  /// How a hypervisor's job goes wrong.
  enum JobTrouble: Sendable {
    case fails
    /// It stands still, and ends after all, unless it is ended before.
    case hangs(Duration)
    /// It cannot be ended any more.
    case ignoresAbort
  }

  let at: Duration
  let kind: Kind

  var description: String { "at \(at): \(kind)" }
}

extension Fault.Kind {
  /// Whether somebody may be cut off from what is held, or begin to hold it anew.
  var disturbsHolds: Bool {
    switch self {
    case .death, .standstill, .powerFailure, .partition, .brokerRestart, .fullDisk, .clockJump, .hypervisorAway: true
    case .doubling, .delays, .loss, .job, .lateLooks, .slowJob, .refusal, .processDeath, .leftover: false
    }
  }
}

extension Fault {
  /// What goes wrong in a history of these hosts and machines, mostly while something that was asked for is under way.
  static func draw(
    _ count: Int, until end: Duration, tasks: [Duration], hosts: [HostName], vms: [VMName],
    _ generator: inout SeededGenerator
  ) -> [Fault] {
    (0..<count).compactMap { _ -> Fault? in
      var at = Duration.milliseconds(Int.random(in: 1000...Int(end.inSeconds * 1000), using: &generator))
      if generator.happens(75), let task = tasks.randomElement(using: &generator) {
        at = task + .milliseconds(Int.random(in: 5...generator.pick([500, 4000, 15_000]), using: &generator))
      }
      guard let host = hosts.randomElement(using: &generator), let vm = vms.randomElement(using: &generator) else {
        return nil
      }
      return Fault(at: at, kind: kind(host, vm, &generator))
    }.sorted { $0.at < $1.at }
  }

  private static func kind(_ host: HostName, _ vm: VMName, _ generator: inout SeededGenerator) -> Kind {
    let program = generator.happens(70) ? Client.worker(host) : .coordinator
    func time(_ seconds: ClosedRange<Int>) -> Duration {
      .milliseconds(Int.random(in: (seconds.lowerBound * 1000 + 100)...(seconds.upperBound * 1000), using: &generator))
    }
    switch Int.random(in: 0..<32, using: &generator) {
    case 0..<8:
      let effects = Int.random(in: -4...6, using: &generator)
      let away = time(0...generator.pick([2, 20, 90]))
      return program == .coordinator && effects < 1 ? .standstill(away) : .death(program, effects: effects, away: away)
    case 8: return .powerFailure(host, away: time(10...120))
    case 9..<12: return .partition(program, time(0...generator.pick([5, 30, 100])))
    case 12: return .brokerRestart(away: time(0...10))
    case 13: return .doubling(time(5...60))
    case 14: return .delays(upTo: time(0...4), time(5...60))
    case 15: return .loss(time(5...60))
    case 16..<20: return .job(host, .fails)
    case 20..<22: return .job(host, .hangs(time(20...150)))
    case 22: return .job(host, .ignoresAbort)
    case 23: return .hypervisorAway(host, time(1...30))
    case 24: return .lateLooks(host, by: time(1...15), time(10...90))
    case 25: return .fullDisk(host, time(1...20))
    case 26: return .clockJump(program, seconds: Double(Int.random(in: -600...600, using: &generator)))
    case 27: return .slowJob(vm, time(5...20))
    case 28: return .refusal(vm)
    case 30, 31: return .leftover(vm, host, generator.happens(50) ? .seconds(1000) : time(5...150))
    default: return .processDeath(vm)
    }
  }
}

extension SeededGenerator {
  mutating func pick<Value>(_ values: [Value]) -> Value {
    values[Int.random(in: 0..<values.count, using: &self)]
  }
}
