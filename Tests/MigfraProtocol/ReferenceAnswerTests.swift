import ClusterModel
import MigfraProtocol
import Testing

@Suite("Answers of the C++ migration-framework are understood")
struct ReferenceAnswerTests {
  @Test("a list between two document marks")
  func list() throws {
    let result = try answer(
      """
      ---
      result: vm started
      list:
        - vm-name: vm1
          status: success
        - vm-name: vm2
          status: error
          details: "Domain not found: no domain with matching name 'vm2'"
      id: 0017
      ---
      """)
    #expect(
      result
        == TaskResult(
          title: .vmStarted, id: "0017",
          entries: [
            VMOutcome(vm: "vm1"),
            VMOutcome(
              vm: "vm2", failure: .internal, details: "Domain not found: no domain with matching name 'vm2'"),
          ]))
  }

  @Test("a flat migration with its times as a map")
  func migration() throws {
    let result = try answer(
      """
      ---
      result: vm migrated
      vm-name: vm1
      status: success
      time-measurement:
        migrate: 1.234567
        overall: 1.500000
        pscom-suspend-vm1: 0.000001
      id: m
      ---
      """)
    #expect(
      result.entries == [
        VMOutcome(
          vm: "vm1",
          times: [
            TimeMeasurement("migrate", seconds: 1.234567), TimeMeasurement("overall", seconds: 1.5),
            TimeMeasurement("pscom-suspend-vm1", seconds: 0.000001),
          ])
      ])
  }

  @Test(
    "in its dialect we write the same",
    arguments: [
      (
        TaskResult(
          title: .vmMigrated, id: "m",
          entries: [
            VMOutcome(vm: "vm1", details: "0", processID: 7, times: [TimeMeasurement("migrate", seconds: 1.25)])
          ]),
        "---\nresult: vm migrated\nvm-name: vm1\nstatus: success\ntime-measurement:\n  migrate: 1.250000\nid: m\n---\n"
      ),
      (
        TaskResult(
          title: .vmRepinned, id: nil, scheduler: "n1",
          entries: [VMOutcome(vm: "vm1", failure: .refused, details: "no such CPU")]),
        "---\nresult: vm repinned\nlist:\n- vm-name: vm1\n  status: error\n  details: no such CPU\n---\n"
      ),
      (
        TaskResult(title: .nodeEvacuated, id: "e", status: .success, plan: "p"),
        "---\nresult: node evacuated\nlist: []\nid: e\n---\n"
      ),
    ])
  func written(_ result: TaskResult, _ expected: String) throws {
    #expect(text(result.encoded(as: .reference)) == expected)
    let read = try answer(expected)
    #expect(read.id == result.id && read.entries.map(\.vm) == result.entries.map(\.vm))
  }

  @Test("a repin as a list, and an evacuation of nothing")
  func otherShapes() throws {
    let repin = try answer("---\nresult: vm repinned\nlist:\n  - vm-name: vm1\n    status: success\n---\n")
    #expect(repin == TaskResult(title: .vmRepinned, id: nil, entries: [VMOutcome(vm: "vm1")]))
    let nothing = try answer("---\nresult: node evacuated\nlist:\n  []\nid: e\n---\n")
    #expect(nothing == TaskResult(title: .nodeEvacuated, id: "e"))
  }

  @Test("the answer to what it could not read")
  func unknown() throws {
    let result = try answer(
      """
      ---
      result: unknown
      list:
        - vm-name: unknown
          status: error
          details: Exception: Unknown type of Task while loading.
      ---
      """.replacing("details: ", with: "details: >-\n        "))
    #expect(result.title == .unknown)
    #expect(result.id == nil)
    #expect(result.entries.first?.details == "Exception: Unknown type of Task while loading.")
  }

  @Test("an error without details or with a code that we do not know is an error")
  func errors() throws {
    let bare = try answer("{result: vm stopped, list: [{vm-name: a, status: error}]}")
    #expect(bare.entries == [VMOutcome(vm: "a", failure: .internal, details: "no details given")])
    let future = try answer("{result: vm stopped, list: [{vm-name: a, status: error, details: b, code: gone-mad}]}")
    #expect(future.entries == [VMOutcome(vm: "a", failure: .internal, details: "b")])
    let other = try answer("{result: vm stopped, list: [{vm-name: a, status: maybe}]}")
    #expect(other.entries.first?.isSuccess == false)
  }

  @Test(
    "what is no answer is refused with its place",
    arguments: [
      ("", "line 1, column 1: expected a mapping"), ("result: vm exploded", "result: expected one of vm started"),
      ("id: 1", "result: required"), ("result: vm stopped\nlist: [{status: success}]", "list[0].vm-name: required"),
      ("result: vm stopped\nlist: [{vm-name: a}]", "list[0].status: required"),
      ("result: vm stopped\nlist: 7", "list: expected a list of mappings"),
      ("result: vm migrated\nvm-name: a\nstatus: success\ntime-measurement: {migrate: fast}", "expected a number"),
      ("result: vm migrated\nvm-name: a\nstatus: success\nprocess-id: many", "process-id: expected an integer"),
      (
        "result: node evacuated\nstatus: great\nlist: []", "status: expected one of success, partial, infeasible, error"
      ),
    ])
  func noAnswer(_ text: String, _ words: String) {
    let error = #expect(throws: (any Error).self) { try answer(text) }
    #expect("\(error.map { "\($0)" } ?? "")".contains(words))
  }
}
