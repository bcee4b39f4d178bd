import ClusterModel
import MigfraProtocol
import Testing

@Suite("Messages that are no task")
struct UnreadableTaskTests {
  @Test(
    "what is not a mapping with a task is refused with its place",
    arguments: [
      ("", "line 1, column 1: expected a mapping, found nothing"),
      ("   \n\n", "expected a mapping, found nothing"),
      ("# only a comment\n", "expected a mapping, found nothing"),
      ("---\n...\n", "expected a mapping, found nothing"),
      ("start vm", "line 1, column 1: expected a mapping, found 'start vm'"),
      ("- task: start vm", "line 1, column 1: expected a mapping, found a list"),
      ("[]", "expected a mapping, found a list"),
      ("{}", "line 1, column 1: task: required, expected a string"),
      ("list: []", "line 1, column 1: task: required, expected a string"),
      ("task:", "line 1, column 6: task: expected a string, found nothing"),
      ("task: [start vm]", "line 1, column 7: task: expected a string, found a list"),
      ("task: {a: b}", "task: expected a string, found a mapping"),
      ("Task: start vm", "task: required"),
      ("host: node 1\ntask: uncordon node", "line 1, column 7: host: expected a host name"),
      ("task: a: b", "line 1, column 8"),
      ("task: start vm\n\tlist: []", "line 2"),
      ("task: [start vm", "line 2"),
      ("task: 'start vm", "line 1"),
      ("\u{0}", "line 1"),
      ("{task: quit}\n---\n{task: quit}", "line 2, column 1: more than one document"),
      ("{task: quit}}", "line 1"),
    ])
  func noTask(_ text: String, _ description: String) throws {
    let error = try refusal(text)
    #expect(error.code == .invalidMessage)
    #expect(error.description.contains(description), "\(error)")
    #expect(error.id == nil)
  }

  @Test(
    "bytes that are no UTF-8 are refused", arguments: [[0xFF], [0xC3, 0x28], [0xED, 0xA0, 0x80], [0xFE, 0xFF, 0x00]])
  func noUTF8(_ bytes: [UInt8]) throws {
    let payload = Array("task: stop vm\nid: 1\nlist: [{vm-name: a".utf8) + bytes + Array("}]".utf8)
    let error = try refusal(payload)
    #expect(error.code == .invalidMessage)
    #expect(error.description.contains("line "))
    #expect(error.id == "1")
  }

  @Test(
    "an unknown task is named, with those that are known",
    arguments: ["start", "Start VM", "start  vm", "evacuate", "delete vm", "", "quit ", "7", "true"])
  func unknownTask(_ name: String) throws {
    let error = try refusal("id: x\ntask: '\(name)'")
    #expect(error.code == .unknownTask)
    #expect(error.id == "x")
    #expect(
      error.description
        == "line 2, column 7: task: expected one of start vm, stop vm, suspend vm, resume vm, repin vm, hold job, release job, migrate vm, "
        + "evacuate node, restore node, rearrange vms, apply plan, cordon node, uncordon node, cancel, pause, resume, quit, found the string '\(name)'"
    )
  }

  @Test("an unknown task's name is told on one line and in few words")
  func longUnknownTask() throws {
    let error = try refusal("id: x\ntask: \"a\\nb\\e[31m\(String(repeating: "c", count: 5000))\"")
    #expect(error.code == .unknownTask)
    #expect(error.description.utf8.count < 500)
    #expect(!error.description.utf8.contains { $0 < 0x20 })
  }

  /// Tasks with a field missing or wrong, and what is said about it.
  static let wrongFields: [(String, String)] = [
    ("task: start vm", "line 1, column 1: vm-configurations: required, expected a list with at least one entry"),
    ("task: start vm\nvm-configuration: [{vm-name: a}]", "vm-configurations: required"),
    ("task: start vm\nvm-configurations: []", "vm-configurations: required, expected a list with at least one"),
    ("task: start vm\nvm-configurations: ~", "vm-configurations: required, expected a list with at least one"),
    ("task: start vm\nvm-configurations: a", "line 2, column 20: vm-configurations: expected a list of mappings"),
    ("task: start vm\nvm-configurations: {vm-name: a}", "expected a list of mappings, found a mapping"),
    ("task: start vm\nvm-configurations: [a]", "vm-configurations[0]: expected a mapping, found 'a'"),
    ("task: start vm\nvm-configurations: [{}]", "vm-configurations[0]: one of 'vm-name' and 'xml' is required"),
    (
      "task: start vm\nvm-configurations:\n- vm-name: a\n- vm-name: b\n  transient: true",
      "line 5, column 14: vm-configurations[1].transient: a transient machine is started from 'xml'"
    ),
    ("task: start vm\nvm-configurations: [{xml: [a]}]", "vm-configurations[0].xml: expected a string, found a list"),
    (
      "task: start vm\nvm-configurations: [{vm-name: a, transient: 1}]",
      ".transient: expected true or false, found '1'"
    ),
    (
      "task: start vm\nvm-configurations: [{vm-name: a, probe-hostname: a/b}]",
      ".probe-hostname: expected a host name"
    ),
    ("task: stop vm", "list: required, expected a list with at least one entry"),
    ("task: stop vm\nlist: [{vm-name: a}, {force: true}]", "list[1]: one of 'vm-name' and 'regex' is required"),
    ("task: stop vm\nlist: [{vm-name: ~}]", "list[0]: one of 'vm-name' and 'regex' is required"),
    ("task: stop vm\nlist: [{vm-name: [a]}]", "list[0].vm-name: expected a string, found a list"),
    ("task: stop vm\nlist: [{vm-name: a, force: 'true'}]", "list[0].force: expected true or false"),
    ("task: stop vm\nlist:\n- vm-name: a\n  undefine: maybe", "line 4, column 13: list[0].undefine: expected true"),
    (
      "task: stop vm\nlist:\n- regex: a\n  stray: b",
      "line 4, column 10: list[0].stray: 'vm-name' is required beside it"
    ),
    ("task: suspend vm\nlist: {}", "list: expected a list of mappings, found a mapping"),
    ("task: resume vm\nlist: [a, b]", "list[0]: expected a mapping, found 'a'"),
    ("task: repin vm\nvcpu-map: [[1]]", "vm-name: required, expected a machine's name"),
    ("task: migrate vm\ndestination: b", "vm-name: required"),
    ("task: migrate vm\nvm-name: a", "destination: required, expected a host name"),
    ("task: migrate vm\nvm-name: a\ndestination: a/b", "line 3, column 14: destination: expected a host name"),
    ("task: migrate vm\nvm-name: a\ndestination: b\nparameter: 7", "parameter: expected a mapping, found '7'"),
    (
      "task: migrate vm\nvm-name: a\ndestination: b\nparameter:\n  migration-type: hot",
      "line 5, column 19: parameter.migration-type: expected one of live, warm, offline, found 'hot'"
    ),
    (
      "task: migrate vm\nvm-name: a\ndestination: b\nparameter: {retry-counter: -1}",
      "parameter.retry-counter: expected a whole number, not negative, found '-1'"
    ),
    (
      "task: migrate vm\nvm-name: a\ndestination: b\nparameter: {retry-counter: 1.5}",
      "parameter.retry-counter: expected an integer, found '1.5'"
    ),
    ("task: migrate vm\nvm-name: a\ndestination: b\ntime-measurement: 1", "time-measurement: expected true or false"),
    ("task: evacuate node\ndestinations: b", "destinations: expected a list, each item a host name"),
    ("task: evacuate node\ndestinations: [b, 'c d']", "destinations[1]: expected a host name"),
    ("task: evacuate node\nparameter: {mode: best}", "mode: expected one of auto, compact, scatter, found 'best'"),
    ("task: evacuate node\nparameter: {overbooking: 2}", "parameter.overbooking: expected true or false, found '2'"),
    ("task: evacuate node\nnot-after: tomorrow", "not-after: expected a number, found 'tomorrow'"),
    ("task: cordon node\nreason: [a]", "reason: expected a string, found a list"),
    ("task: uncordon node\nconcurrent-execution: maybe", "concurrent-execution: expected true or false"),
  ]

  @Test("a missing or wrong field is named with its path, its place and what is expected", arguments: wrongFields)
  func wrongField(_ text: String, _ description: String) throws {
    let error = try refusal(text + "\nid: t1")
    #expect(error.code == .invalidMessage)
    #expect(error.id == "t1")
    #expect(error.description.contains(description), "\(error)")
    #expect(error.description.hasPrefix("line "))
  }

  @Test(
    "a machine's name that a topic, libvirt or a log line cannot carry is refused",
    arguments: ["a/b", "a+", "#", "a\\0", "a\\n", "a\\e", "a\\x7f", "a\\x85", String(repeating: "v", count: 300)])
  func badNames(_ name: String) throws {
    for message in [
      "id: t\ntask: suspend vm\nlist: [{vm-name: \"\(name)\"}]",
      "id: t\ntask: stop vm\nlist: [{vm-name: \"\(name)\"}]",
      "id: t\ntask: start vm\nvm-configurations: [{vm-name: \"\(name)\"}]",
      "id: t\ntask: repin vm\nvm-name: \"\(name)\"",
      "id: t\ntask: migrate vm\nvm-name: \"\(name)\"\ndestination: b",
    ] {
      let error = try refusal(message)
      #expect(error.code == .invalidMessage)
      #expect(error.id == "t")
      #expect(error.description.contains("vm-name: expected a"), "\(error)")
      #expect(error.description.utf8.count < 300)
      #expect(!error.description.utf8.contains { $0 < 0x20 })
    }
  }

  @Test("XML with a NUL character is refused, because libvirt would read only what is before it")
  func nulInXML() throws {
    let error = try refusal("id: t\ntask: start vm\nvm-configurations: [{xml: \"<a/>\\0<b/>\"}]")
    #expect(error.description.contains("vm-configurations[0].xml: expected a string without NUL characters"))
  }

  @Test(
    "an id that is no text is no id",
    arguments: ["[a]", "{a: b}", "\"a\\0\"", String(repeating: "i", count: 2000)])
  func badIDs(_ id: String) throws {
    let error = try refusal("task: uncordon node\nid: \(id)")
    #expect(error.code == .invalidMessage)
    #expect(error.id == nil)
    #expect(error.description.hasPrefix("line 2, column 5: id: expected a"), "\(error)")
  }
}
