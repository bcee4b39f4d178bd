import ClusterModel
import MigfraProtocol
import Testing

@Suite("The ledger of tasks")
struct TaskLedgerTests {
  private func suspend(_ id: TaskID?, _ vm: VMName = "vm1") -> TaskMessage {
    TaskMessage(id: id, body: .suspend([vm]))
  }

  private func done(_ id: TaskID?, _ details: String? = nil) -> TaskResult {
    TaskResult(title: .vmSuspended, id: id, entries: [VMOutcome(vm: "vm1", details: details)])
  }

  @Test("a task is new, then running, then answered")
  func life() {
    var ledger = TaskLedger()
    #expect(ledger.receive(suspend("a")) == .new)
    #expect(ledger.receive(suspend("a")) == .running)
    ledger.finish("a", with: done("a"))
    #expect(ledger.receive(suspend("a")) == .answered(done("a")))
    #expect(ledger.receive(suspend("a")) == .answered(done("a")))
  }

  @Test("a task without an id is always new")
  func withoutID() {
    var ledger = TaskLedger()
    for _ in 0..<3 {
      #expect(ledger.receive(suspend(nil)) == .new)
      ledger.finish(nil, with: done(nil))
    }
  }

  @Test("an order that the next coordinator repeats is the same one")
  func anotherEpoch() {
    var ledger = TaskLedger()
    var order = suspend("a")
    order.epoch = 1
    #expect(ledger.receive(order) == .new)
    order.epoch = 2
    #expect(ledger.receive(order) == .running && ledger.receive(suspend("a")) == .running)
  }

  @Test("a task that is withdrawn is new when it comes again; one that was answered stays answered")
  func withdrawal() {
    var ledger = TaskLedger()
    _ = ledger.receive(suspend("a"))
    ledger.withdraw("a")
    #expect(ledger.receive(suspend("a", "vm2")) == .new)
    ledger.finish("a", with: done("a"))
    ledger.withdraw("a")
    #expect(ledger.receive(suspend("a", "vm2")) == .answered(done("a")))
  }

  @Test("the same id with another content conflicts, running or answered, and changes nothing")
  func conflict() {
    var ledger = TaskLedger()
    #expect(ledger.receive(suspend("a")) == .new)
    #expect(ledger.receive(suspend("a", "vm2")) == .conflicting)
    #expect(ledger.receive(TaskMessage(id: "a", body: .resume(["vm1"]))) == .conflicting)
    #expect(ledger.receive(suspend("a")) == .running)
    ledger.finish("a", with: done("a"))
    #expect(ledger.receive(suspend("a", "vm2")) == .conflicting)
    #expect(ledger.receive(suspend("a")) == .answered(done("a")))
  }

  @Test("a task that was refused for an option conflicts with the same one without the option")
  func optionsCount() throws {
    var ledger = TaskLedger()
    #expect(ledger.receive(try task("{task: stop vm, id: a, list: [{vm-name: x, driver: qemu}]}")) == .new)
    ledger.finish("a", with: done("a"))
    #expect(ledger.receive(try task("{task: stop vm, id: a, list: [{vm-name: x}]}")) == .conflicting)
  }

  @Test("the same task in another form is the same task")
  func forms() throws {
    var ledger = TaskLedger()
    #expect(ledger.receive(try task("task: stop vm\nid: 7\nlist:\n- vm-name: x\n  force: yes\n")) == .new)
    let repeated = try task("{list: [{force: true, vm-name: 'x'}], id: '7', task: stop vm, colour: red}")
    #expect(ledger.receive(repeated) == .running)
  }

  @Test("the first answer counts, and an answer to nothing is not kept")
  func answers() {
    var ledger = TaskLedger()
    ledger.finish("a", with: done("a", "too early"))
    #expect(ledger.receive(suspend("a")) == .new)
    ledger.finish("a", with: done("a", "first"))
    ledger.finish("a", with: done("a", "second"))
    #expect(ledger.receive(suspend("a")) == .answered(done("a", "first")))
  }

  @Test("the oldest answer goes first, in the order of the answers, and running tasks stay")
  func eviction() {
    var ledger = TaskLedger(capacity: 2)
    for id in ["a", "b", "c", "running"] as [TaskID] { #expect(ledger.receive(suspend(id)) == .new) }
    for id in ["c", "a", "b"] as [TaskID] { ledger.finish(id, with: done(id)) }
    #expect(ledger.receive(suspend("a")) == .answered(done("a")))
    #expect(ledger.receive(suspend("b")) == .answered(done("b")))
    #expect(ledger.receive(suspend("running")) == .running)
    #expect(ledger.receive(suspend("c")) == .new)
  }

  @Test("a task that was forgotten begins a new life")
  func secondLife() {
    var ledger = TaskLedger(capacity: 1)
    #expect(ledger.receive(suspend("a")) == .new)
    ledger.finish("a", with: done("a", "1"))
    #expect(ledger.receive(suspend("b")) == .new)
    ledger.finish("b", with: done("b"))
    #expect(ledger.receive(suspend("a", "vm2")) == .new)
    ledger.finish("a", with: done("a", "2"))
    #expect(ledger.receive(suspend("a", "vm2")) == .answered(done("a", "2")))
    #expect(ledger.receive(suspend("b")) == .new)
  }

  /// Against a model that keeps everything in plain lists.
  @Test("a random walk gives what a plain list would", arguments: 1...20)
  func walk(_ seed: Int) {
    var random = RandomMessages(seed: UInt64(seed))
    let capacity = 1 + random.below(8)
    var ledger = TaskLedger(capacity: capacity)
    var running: [TaskID: VMName] = [:]
    var answered: [(id: TaskID, vm: VMName, answer: TaskResult)] = []
    for step in 0..<3000 {
      let id = TaskID(rawValue: "\(random.below(20))")
      if random.below(3) == 0 {
        let answer = done(id, "\(step)")
        ledger.finish(id, with: answer)
        guard let vm = running.removeValue(forKey: id) else { continue }
        answered.append((id, vm, answer))
        if answered.count > capacity { answered.removeFirst() }
      } else {
        let vm: VMName = random.below(4) == 0 ? "vm2" : "vm1"
        let receipt = ledger.receive(suspend(id, vm))
        if let known = running[id] {
          #expect(receipt == (known == vm ? .running : .conflicting))
        } else if let known = answered.first(where: { $0.id == id }) {
          #expect(receipt == (known.vm == vm ? .answered(known.answer) : .conflicting))
        } else {
          #expect(receipt == .new)
          running[id] = vm
        }
      }
    }
  }

  @Test("of twenty thousand answers the last hundred are kept")
  func manyAnswers() {
    var ledger = TaskLedger(capacity: 100)
    let count = 20_000
    for number in 0..<count {
      let id = TaskID(rawValue: "\(number)")
      #expect(ledger.receive(suspend(id)) == .new)
      ledger.finish(id, with: done(id))
    }
    // Those that it still knows are exactly the last hundred.
    for number in (count - 100)..<count {
      let id = TaskID(rawValue: "\(number)")
      #expect(ledger.receive(suspend(id)) == .answered(done(id)))
    }
    #expect(ledger.receive(suspend(TaskID(rawValue: "\(count - 101)"))) == .new)
    #expect(ledger.receive(suspend("0")) == .new)
  }
}
