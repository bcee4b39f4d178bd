import ClusterModel
import MigfraProtocol
import Testing

@Suite("Results have the seed's shapes")
struct ResultShapeTests {
  struct Example: Sendable, CustomTestStringConvertible {
    var result: TaskResult
    var text: String

    var testDescription: String { result.title.rawValue }
  }

  static let examples = [
    Example(
      result: TaskResult(
        title: .vmStarted, id: "3f25", scheduler: "node1",
        entries: [
          VMOutcome(vm: "vm1", processID: 4711),
          VMOutcome(
            vm: "vm2", failure: .notFound, details: "Domain not found: no domain with matching name 'vm2' on node1"),
        ]),
      text: """
        scheduler: node1
        result: vm started
        id: 3f25
        list:
        - vm-name: vm1
          status: success
          process-id: 4711
        - vm-name: vm2
          status: error
          details: "Domain not found: no domain with matching name 'vm2' on node1"
          code: not-found

        """),
    Example(
      result: TaskResult(title: .vmStopped, id: "0017", entries: [VMOutcome(vm: "vm1"), VMOutcome(vm: "true")]),
      text: """
        result: vm stopped
        id: "0017"
        list:
        - vm-name: vm1
          status: success
        - vm-name: "true"
          status: success

        """),
    Example(
      result: TaskResult(
        title: .vmSuspended, id: nil,
        entries: [VMOutcome(vm: "vm1", times: [TimeMeasurement("overall", seconds: 0.25)])]),
      text: """
        result: vm suspended
        list:
        - vm-name: vm1
          status: success
          time-measurement:
          - overall: 0.250000

        """),
    Example(
      result: TaskResult(
        title: .vmResumed, id: "1.5", entries: [VMOutcome(vm: "vm1", failure: .timeout, details: "Timeout")]),
      text: """
        result: vm resumed
        id: "1.5"
        list:
        - vm-name: vm1
          status: error
          details: Timeout
          code: timeout

        """),
    Example(
      result: TaskResult(
        title: .vmMigrated, id: "m1",
        entries: [
          VMOutcome(
            vm: "vm1", details: "0", processID: 4712,
            times: [TimeMeasurement("overall", seconds: 1.5), TimeMeasurement("migrate", seconds: 1.25)])
        ]),
      text: """
        result: vm migrated
        id: m1
        vm-name: vm1
        status: success
        details: "0"
        process-id: 4712
        time-measurement:
        - overall: 1.500000
        - migrate: 1.250000

        """),
    Example(
      result: TaskResult(
        title: .vmMigrated, id: nil,
        entries: [VMOutcome(vm: "vm1", failure: .destination, details: "destination node2 cannot be reached")]),
      text: """
        result: vm migrated
        vm-name: vm1
        status: error
        details: destination node2 cannot be reached
        code: destination

        """),
    Example(
      result: TaskResult(
        title: .vmRepinned, id: "r", entries: [VMOutcome(vm: "vm1", failure: .unsupported, details: "not yet")]),
      text: """
        result: vm repinned
        id: r
        vm-name: vm1
        status: error
        details: not yet
        code: unsupported

        """),
    Example(
      result: TaskResult(
        title: .nodeEvacuated, id: "e1", scheduler: "global",
        entries: [
          VMOutcome(vm: "vm1", details: "1", processID: 99, times: [TimeMeasurement("migrate", seconds: 2)]),
          VMOutcome(vm: "vm2", failure: .capacity, details: "no room"),
        ], status: .partial, details: "1 moved, 1 stayed", plan: "p7-1",
        times: [TimeMeasurement("overall", seconds: 3.0625)]),
      text: """
        scheduler: global
        result: node evacuated
        id: e1
        plan: p7-1
        status: partial
        details: 1 moved, 1 stayed
        time-measurement:
        - overall: 3.062500
        list:
        - vm-name: vm1
          status: success
          details: "1"
          process-id: 99
          time-measurement:
          - migrate: 2.000000
        - vm-name: vm2
          status: error
          details: no room
          code: capacity

        """),
    Example(
      result: TaskResult(
        title: .nodeEvacuated, id: "e2", scheduler: "global", status: .success, details: "there was nothing to move"),
      text: """
        scheduler: global
        result: node evacuated
        id: e2
        status: success
        details: there was nothing to move
        list: []

        """),
    Example(
      result: TaskResult(title: .nodeCordoned, id: "c", scheduler: "global", status: .success, details: "done"),
      text: """
        scheduler: global
        result: node cordoned
        id: c
        status: success
        details: done
        list: []

        """),
    Example(
      result: .unreadable(id: "u", code: .unknownTask, details: "line 1, column 7: task: unknown task 'x'"),
      text: """
        result: unknown
        id: u
        list:
        - vm-name: unknown
          status: error
          details: "line 1, column 7: task: unknown task 'x'"
          code: unknown-task

        """),
  ]

  @Test("a result is written so, and read back", arguments: examples)
  func shape(_ example: Example) throws {
    #expect(text(example.result.encoded()) == example.text)
    #expect(try answer(example.text) == example.result)
  }

  @Test("every task has a result with the seed's title")
  func titles() {
    let titles = TaskMessage.Kind.allCases.map { "\($0.rawValue) -> \($0.title.rawValue)" }
    #expect(
      titles == [
        "start vm -> vm started", "stop vm -> vm stopped", "suspend vm -> vm suspended", "resume vm -> vm resumed",
        "repin vm -> vm repinned", "hold job -> job held", "release job -> job released", "migrate vm -> vm migrated",
        "evacuate node -> node evacuated",
        "restore node -> node restored", "rearrange vms -> vms rearranged", "apply plan -> node evacuated",
        "cordon node -> node cordoned", "uncordon node -> node uncordoned", "cancel -> task cancelled",
        "pause -> task paused", "resume -> task resumed",
        "quit -> quit",
      ])
  }

  @Test("a flat result never says a thing twice")
  func flatOnce() throws {
    let result = TaskResult(
      title: .vmMigrated, id: "m", entries: [VMOutcome(vm: "vm1", failure: .timeout, details: "slow")], status: .error,
      details: "of the whole", code: .internal, times: [TimeMeasurement("overall", seconds: 1)])
    #expect(try TaskResult.decode(result.encoded()).entries == result.entries)
  }

  @Test("a refusal names each machine of the task, in the shape of its result")
  func refusals() throws {
    func refused(_ text: String) throws -> TaskResult {
      TaskResult.refusal(of: try task(text), code: .expired, details: "too late")
    }
    let two = try refused("{task: suspend vm, id: 1, list: [{vm-name: a}, {vm-name: b}]}")
    #expect(two.title == .vmSuspended)
    #expect(two.id == "1")
    #expect(two.entries.map(\.vm) == ["a", "b"])
    #expect(two.entries.allSatisfy { !$0.isSuccess && $0.code == .expired && $0.details == "too late" })
    #expect(two.status == nil)
    #expect(
      text(try refused("{task: migrate vm, vm-name: a, destination: b}").encoded())
        == "result: vm migrated\nvm-name: a\nstatus: error\ndetails: too late\ncode: expired\n")
    #expect(
      text(try refused("{task: repin vm, vm-name: a, vcpu-map: [[1]]}").encoded())
        == "result: vm repinned\nvm-name: a\nstatus: error\ndetails: too late\ncode: expired\n")
    #expect(
      text(try refused("{task: evacuate node, id: e}").encoded())
        == "result: node evacuated\nid: e\nstatus: error\ndetails: too late\ncode: expired\nlist: []\n")
    #expect(
      text(try refused("task: quit").encoded())
        == "result: quit\nlist:\n- vm-name: unknown\n  status: error\n  details: too late\n  code: expired\n")
  }
}
