import ClusterModel
import CoordinatorCore
import MigfraProtocol
import Testing
import VirtualTime

@Suite("One machine's migration")
struct MigrationMachineTests {
  static let move = Plan.Move(vm: .sample("a"), source: "n1", destination: "n2")
  private let success = VMOutcome(vm: "a", times: [TimeMeasurement("migrate", seconds: 2)])

  private func failure(_ code: ErrorCode) -> VMOutcome { VMOutcome(vm: "a", failure: code, details: "\(code)") }
  private func time(_ seconds: Int) -> Moment { Moment(uptime: .seconds(seconds), unixTime: Double(seconds)) }
  private func task(_ number: Int) -> TaskID { TaskID(rawValue: "t\(number)") }
  private func started(retries: Int = 3) -> MigrationMachine {
    var machine = MigrationMachine(Self.move, allowedRetries: retries)
    machine.start(as: "t0", at: time(10))
    return machine
  }

  @Test("waits, moves, is moved")
  func straight() {
    var machine = MigrationMachine(Self.move, allowedRetries: 3)
    #expect(machine.state == .waiting && machine.task == nil && !machine.isFinal)
    machine.start(as: "t0", at: time(10))
    #expect(machine.state == .moving(task: "t0", since: .seconds(10)) && machine.task == "t0")
    #expect(machine.finish("t0", with: success, at: time(15)) == .done)
    #expect(machine.state == .moved(seconds: 5) && machine.isMoved && machine.isFinal && machine.task == nil)
    #expect(machine.times.map(\.tag) == ["migrate"] && machine.retries == 0)
  }

  @Test("a failure that may pass is tried again after 1 s, 2 s, 4 s, … at most 30 s, as often as allowed")
  func retries() {
    var machine = MigrationMachine(Self.move, allowedRetries: 7)
    for (attempt, pause) in [1, 2, 4, 8, 16, 30, 30].enumerated() {
      machine.start(as: task(attempt), at: time(attempt))
      let consequence = machine.finish(task(attempt), with: failure(.hypervisor), at: time(attempt))
      #expect(consequence == .retry(after: .seconds(pause), generation: attempt + 1, elsewhere: false))
      #expect(machine.state == .retrying(generation: attempt + 1) && machine.details == "hypervisor")
      machine.retry(generation: attempt + 1)
      #expect(machine.state == .waiting)
    }
    machine.start(as: "last", at: time(100))
    #expect(machine.finish("last", with: failure(.timeout), at: time(101)) == .done)
    #expect(machine.state == .failed(.timeout) && machine.retries == 7 && machine.details == "timeout")
  }

  @Test(
    "each cause of failure is tried again or not",
    arguments: zip(
      ErrorCode.allCases,
      ErrorCode.allCases.map { code in
        let passing: [ErrorCode] = [
          .destination, .devices, .hypervisor, .hypervisorLost, .timeout, .expired, .internal,
        ]
        return passing.contains(code)
      }))
  func causes(code: ErrorCode, mayPass: Bool) {
    var machine = started()
    let consequence = machine.finish("t0", with: failure(code), at: time(11))
    if mayPass {
      let elsewhere = code == .destination || code == .devices
      #expect(consequence == .retry(after: .seconds(1), generation: 1, elsewhere: elsewhere))
    } else {
      #expect(consequence == .done && machine.state == .failed(code) && machine.retries == 0)
    }
  }

  @Test("without retries the first failure is the last")
  func noRetries() {
    var machine = started(retries: 0)
    #expect(machine.finish("t0", with: failure(.hypervisor), at: time(11)) == .done)
    #expect(machine.state == .failed(.hypervisor))
  }

  @Test("an answer to another attempt changes nothing")
  func staleAnswer() {
    var machine = started()
    #expect(machine.finish("t9", with: success, at: time(11)) == nil)
    _ = machine.finish("t0", with: failure(.hypervisor), at: time(11))
    let retrying = machine
    #expect(machine.finish("t0", with: success, at: time(12)) == nil && machine == retrying)
    machine.retry(generation: 1)
    machine.start(as: "t1", at: time(13))
    let again = machine
    #expect(machine.finish("t0", with: success, at: time(14)) == nil && machine == again)
    _ = machine.finish("t1", with: success, at: time(15))
    let moved = machine
    #expect(machine.finish("t1", with: failure(.hypervisor), at: time(16)) == nil && machine == moved)
  }

  @Test("a timer of another pause changes nothing")
  func staleTimer() {
    var machine = started()
    machine.retry(generation: 0)
    machine.retry(generation: 1)
    #expect(machine.task == "t0")
    _ = machine.finish("t0", with: failure(.hypervisor), at: time(11))
    machine.retry(generation: 2)
    machine.retry(generation: 0)
    #expect(machine.state == .retrying(generation: 1))
  }

  @Test("progress of another attempt changes nothing, and an attempt's own goes with it")
  func progress() {
    func progress(_ task: TaskID) -> MigrationProgress {
      MigrationProgress(vm: "a", task: task, destination: "n2", phase: .copying, doneBytes: 1)
    }
    var machine = started()
    machine.update(progress("t9"))
    #expect(machine.progress == nil)
    machine.update(progress("t0"))
    #expect(machine.progress?.doneBytes == 1)
    _ = machine.finish("t0", with: failure(.hypervisor), at: time(11))
    #expect(machine.progress == nil)
    machine.update(progress("t0"))
    #expect(machine.progress == nil)
  }

  @Test("a machine that waits, or pauses, can be sent elsewhere")
  func redirect() {
    var machine = MigrationMachine(Self.move, allowedRetries: 3)
    machine.redirect(to: "n3")
    #expect(machine.move.destination == "n3" && machine.move.source == "n1")
    machine.start(as: "t0", at: time(10))
    _ = machine.finish("t0", with: failure(.destination), at: time(11))
    machine.redirect(to: "n4")
    #expect(machine.move.destination == "n4" && machine.state == .retrying(generation: 1))
  }

  @Test("a migration whose destination cannot receive is postponed like one that failed")
  func postpone() {
    var machine = MigrationMachine(Self.move, allowedRetries: 1)
    #expect(machine.postpone(details: "n2 is away") == .retry(after: .seconds(1), generation: 1, elsewhere: true))
    #expect(machine.details == "n2 is away" && machine.retries == 1)
    machine.retry(generation: 1)
    #expect(machine.postpone(details: "n2 is still away") == .done)
    #expect(machine.state == .failed(.destination))
  }

  @Test("what has an end keeps it")
  func giveUp() {
    var machine = started()
    machine.fail(.noWorker, details: "lost")
    #expect(machine.state == .failed(.noWorker) && machine.details == "lost")
    machine.fail(.internal, details: "again")
    #expect(machine.state == .failed(.noWorker) && machine.details == "lost")
    #expect(machine.finish("t0", with: success, at: time(20)) == nil)
    var moved = started()
    _ = moved.finish("t0", with: success, at: time(11))
    moved.fail(.noWorker, details: "lost")
    #expect(moved.isMoved && moved.details == nil)
  }

  @Test("any sequence of events keeps its order of states", arguments: 0..<20)
  func randomWalk(round: UInt64) {
    for seed in round * 50..<round * 50 + 50 {
      var generator = SeededGenerator(seed: seed)
      let allowed = Int.random(in: 0...4, using: &generator)
      var machine = MigrationMachine(Self.move, allowedRetries: allowed)
      var attempts = 0
      for step in 0..<60 {
        let before = machine
        switch Int.random(in: 0..<6, using: &generator) {
        case 0 where machine.state == .waiting:
          machine.start(as: task(attempts), at: time(step))
          attempts += 1
        case 1:
          let code = ErrorCode.allCases.randomElement(using: &generator) ?? .hypervisor
          let task = self.task(Int.random(in: 0...attempts, using: &generator))
          let consequence = machine.finish(task, with: failure(code), at: time(step))
          #expect((consequence == nil) == (before.task != task), "seed \(seed), step \(step)")
        case 2 where generator.happens(20): _ = machine.finish(task(attempts - 1), with: success, at: time(step))
        case 3: machine.retry(generation: Int.random(in: 0...5, using: &generator))
        case 4 where machine.state == .waiting && generator.happens(30): _ = machine.postpone(details: "away")
        default: machine.update(MigrationProgress(vm: "a", task: "t0", destination: "n2", phase: .copying))
        }
        #expect(!before.isFinal || machine == before, "seed \(seed), step \(step): an end is an end")
        #expect(machine.retries <= allowed, "seed \(seed), step \(step): too many attempts")
        #expect(attempts <= allowed + 1, "seed \(seed), step \(step): too many tasks")
        #expect(machine.progress == nil || machine.task != nil, "seed \(seed), step \(step): progress of nothing")
      }
    }
  }
}
