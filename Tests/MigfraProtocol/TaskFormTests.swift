import ClusterModel
import MigfraProtocol
import Testing

@Suite("Forms that a task may have")
struct TaskFormTests {
  @Test("flow form and JSON are as good as block form")
  func flow() throws {
    let wanted = TaskMessage(
      id: "7", body: .migrate(VMMigration(vm: "vm1", destination: "node2", type: .live, retries: 2)))
    let forms = [
      "{task: migrate vm, id: 7, vm-name: vm1, destination: node2, parameter: {migration-type: live, retry-counter: 2}}",
      #"{"task":"migrate vm","id":"7","vm-name":"vm1","destination":"node2","#
        + #""parameter":{"migration-type":"live","retry-counter":2}}"#,
      "id: 7\nparameter: {retry-counter: 2, migration-type: live}\ntask: 'migrate vm'\ndestination: node2\nvm-name: vm1",
    ]
    for form in forms { #expect(try task(form) == wanted) }
    #expect(
      try task("{task: suspend vm, list: [{vm-name: a}, {vm-name: b}]}") == TaskMessage(body: .suspend(["a", "b"])))
  }

  @Test(
    "an id is text, whatever it looks like, and an empty one is none",
    arguments: [
      ("7", "7"), ("0017", "0017"), ("'0017'", "0017"), ("true", "true"), ("1.5", "1.5"), ("0x1f", "0x1f"),
      ("2001-01-01", "2001-01-01"), ("no", "no"), ("\"a b\"", "a b"), ("'~'", "~"), ("ä/😀", "ä/😀"),
      ("3f2504e0-4f89-11d3-9a0c-0305e82c3301", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"), ("\"a\\nb\"", "a\nb"),
      ("", nil), ("''", nil), ("~", nil), ("null", nil),
    ] as [(String, String?)])
  func ids(_ written: String, _ id: String?) throws {
    #expect(try task("task: uncordon node\nid: \(written)").id?.rawValue == id)
  }

  @Test("the longest ids that our own programs make can be read")
  func longIDs() throws {
    let vm = String(repeating: "v", count: 255)
    let host = String(repeating: "h", count: 253)
    for id in ["p18446744073709551615-1000000/\(vm)/1000", "handover/\(host)/01234567-89ab-cdef/9223372036854775807"] {
      #expect(try task("task: uncordon node\nid: \(id)").id?.rawValue == id)
    }
    let longest = String(repeating: "i", count: 1024)
    #expect(try task("task: uncordon node\nid: \(longest)").id?.rawValue == longest)
    #expect(try refusal("task: uncordon node\nid: \(longest)i").description.contains("an id of at most 1024 bytes"))
  }

  @Test(
    "a machine is named by text, whatever it looks like",
    arguments: [
      "0017", "true", "1.5", "'~'", "my vm", "vm-1", "\"a b\"", "Maschine", "'quoted name'",
      String(repeating: "v", count: 255),
    ])
  func vmNames(_ written: String) throws {
    let name = VMName(rawValue: written.trimming(["'", "\""]))
    #expect(try task("task: resume vm\nlist: [{vm-name: \(written)}]").body == .resume([name]))
  }

  @Test("the reference's spelling of the retry counter is understood, and the seed's wins")
  func retries() throws {
    func retries(_ parameter: String) throws -> Int? {
      let message = try task("{task: migrate vm, vm-name: a, destination: b, parameter: {\(parameter)}}")
      guard case .migrate(let migration) = message.body else { return nil }
      #expect(message.warnings.isEmpty)
      return migration.retries
    }
    #expect(try retries("retry_counter: 4") == 4)
    #expect(try retries("retry_counter: 4, retry-counter: 0") == 0)
    #expect(try retries("retry-counter: 0x10") == 16)
    #expect(try retries("retry-counter: ~") == nil)
  }

  @Test("the name in a start entry is kept beside the XML, and the XML is what is started")
  func nameAndXML() throws {
    let message = try task("task: start vm\nvm-configurations: [{vm-name: a, xml: <domain/>, transient: true}]")
    #expect(message.body == .start([VMStart(source: .xml("<domain/>", isTransient: true), name: "a")]))
    #expect(message.vms == ["a"])
  }

  @Test("what the reference's clients say of the readiness probe is kept")
  func probe() throws {
    let message = try task(
      "task: start vm\nvm-configurations: [{vm-name: a, probe-with-ssh: false}, {vm-name: b, probe-hostname: 10.0.0.1}]"
    )
    #expect(
      message.body
        == .start([
          VMStart(source: .defined("a"), name: "a", awaitsSSH: false),
          VMStart(source: .defined("b"), name: "b", probeHostname: "10.0.0.1"),
        ]))
    #expect(message.warnings.isEmpty)
  }

  @Test(
    "times are measured when the task says so, or any of its entries, as the reference has it",
    arguments: [
      ("{task: stop vm, list: [{vm-name: a}, {vm-name: b, time-measurement: true}]}", true),
      ("{task: resume vm, list: [{vm-name: a, time-measurement: yes}]}", true),
      ("{task: start vm, vm-configurations: [{vm-name: a, time-measurement: true}, {vm-name: b}]}", true),
      ("{task: stop vm, time-measurement: true, list: [{vm-name: a}]}", true),
      ("{task: stop vm, list: [{vm-name: a, time-measurement: false}]}", false),
      ("{task: stop vm, list: [{vm-name: a}]}", false),
      ("{task: migrate vm, vm-name: a, destination: b, time-measurement: true}", true),
    ])
  func timeMeasurement(_ text: String, _ measures: Bool) throws {
    #expect(try task(text).measuresTime == measures)
  }

  @Test("a task may name the moment after which it is not wanted any more")
  func notAfter() throws {
    #expect(try task("task: uncordon node\nnot-after: 1764000000.25").notAfter == 1_764_000_000.25)
    #expect(try task("task: uncordon node\nnot-after: 1764000000").notAfter == 1_764_000_000)
  }

  @Test("ten thousand machines in one task are read, one more is refused")
  func manyEntries() throws {
    func stop(_ count: Int) -> String {
      "task: stop vm\nid: big\nlist:\n" + (0..<count).map { "- vm-name: vm\($0)\n" }.joined()
    }
    #expect(try task(stop(10_000)).vms.count == 10_000)
    let error = try refusal(stop(10_001))
    #expect(error.id == "big")
    #expect(error.description.contains("list: more than 10000 entries"))
  }

  @Test("a machine's XML may fill the message")
  func largeXML() throws {
    let xml = "<domain>" + String(repeating: "x", count: 900_000) + "</domain>"
    let message = try task("task: start vm\nvm-configurations:\n  - xml: \(xml)\n")
    #expect(message.body == .start([VMStart(source: .xml(xml, isTransient: false))]))
  }
}

extension String {
  fileprivate func trimming(_ quotes: Set<Character>) -> String {
    guard let first, quotes.contains(first) else { return self }
    return String(dropFirst().dropLast())
  }
}
