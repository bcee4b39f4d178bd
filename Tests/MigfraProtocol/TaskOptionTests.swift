import ClusterModel
import MigfraProtocol
import Testing

@Suite("Keys without meaning, and options that cannot be had")
struct TaskOptionTests {
  @Test("an unknown key is a warning that names its path and line, and changes nothing else")
  func warnings() throws {
    let message = try task(
      """
      task: stop vm
      id: 1
      priority: high
      list:
        - vm-name: a
          colour: red
        - vm-name: b
          Force: true
      """)
    #expect(message.body == .stop([VMStop(vm: "a"), VMStop(vm: "b")]))
    #expect(
      message.warnings == [
        "unknown key 'priority' ignored (line 3)", "unknown key 'list[0].colour' ignored (line 6)",
        "unknown key 'list[1].Force' ignored (line 8)",
      ])
  }

  @Test(
    "an unknown key is found wherever it stands",
    arguments: [
      ("{task: start vm, vm-configurations: [{vm-name: a, disk: b}]}", "vm-configurations[0].disk"),
      ("{task: suspend vm, list: [{vm-name: a, force: true}]}", "list[0].force"),
      ("{task: migrate vm, vm-name: a, destination: b, migration-type: live}", "migration-type"),
      ("{task: migrate vm, vm-name: a, destination: b, parameter: {live-migration: true}}", "parameter.live-migration"),
      ("{task: evacuate node, parameter: {mode: auto, destination: b}}", "parameter.destination"),
      ("{task: evacuate node, retry-counter: 3}", "retry-counter"),
      ("{task: cordon node, why: a}", "why"), ("{task: uncordon node, list: []}", "list"),
      ("{task: repin vm, vm-name: a, vcpu-map: [[0]], map: []}", "map"), ("{task: quit, now: true}", "now"),
    ])
  func warningPaths(_ text: String, _ path: String) throws {
    #expect(try task(text).warnings == ["unknown key '\(path)' ignored (line 1)"])
  }

  struct Option: Sendable, CustomTestStringConvertible {
    var name: String
    /// Everything around the option's value.
    var before: String
    var after: String
    var value: String

    var testDescription: String { "\(name): \(value)" }

    static func start(_ name: String, _ value: String) -> Option {
      Option(
        name: name, before: "{task: start vm, vm-configurations: [{vm-name: a, \(name): ", after: "}]}", value: value)
    }
    static func stop(_ name: String, _ value: String) -> Option {
      Option(name: name, before: "{task: stop vm, list: [{vm-name: a, \(name): ", after: "}]}", value: value)
    }
    static func resume(_ name: String, _ value: String) -> Option {
      Option(name: name, before: "{task: resume vm, list: [{vm-name: a, \(name): ", after: "}]}", value: value)
    }
    static func migrate(_ name: String, _ value: String) -> Option {
      Option(
        name: name, before: "{task: migrate vm, vm-name: a, destination: b, parameter: {\(name): ", after: "}}",
        value: value)
    }
    static func top(_ name: String, _ value: String) -> Option {
      Option(name: name, before: "{task: migrate vm, vm-name: a, destination: b, \(name): ", after: "}", value: value)
    }
    static func evacuate(_ name: String, _ value: String) -> Option {
      Option(name: name, before: "{task: evacuate node, parameter: {\(name): ", after: "}}", value: value)
    }
  }

  static let options: [Option] = [
    .start("pci-ids", "[{vendor: 0x15b3, device: 0x1004}]"),
    .start("devs", "[{pci-addr: '0000:04:00.0'}]"), .start("vcpu-map", "[[0], [1]]"), .start("memnode-map", "[[0]]"),
    .start("ivshmem", "{id: a, size: 16}"), .start("driver", "qemu"), .stop("driver", "qemu"),
    .resume("driver", "'test:///default#'"), .migrate("rdma-migration", "true"), .migrate("pscom-hook-procs", "4"),
    .migrate("pscom-hook-procs", "auto"), .migrate("transport", "tcp"), .migrate("driver", "qemu"),
    .migrate("swap-with", "b"), .migrate("swap-with", "{vm-name: b}"),
    .top("transport", "tcp"), .top("driver", "'qemu+ext:///system?command=/bin/true#'"),
    .evacuate("rdma-migration", "yes"), .evacuate("pscom-hook-procs", "1"), .evacuate("transport", "tls"),
    .evacuate("driver", "qemu"),
  ]

  @Test("an option that this version has not is listed, and is no warning", arguments: options)
  func unavailable(_ option: Option) throws {
    let message = try task(option.before + option.value + option.after)
    #expect(message.unavailableOptions == [option.name])
    #expect(message.warnings.isEmpty)
  }

  @Test("the same option asks for nothing when it is off", arguments: options)
  func off(_ option: Option) throws {
    for value in ["false", "False", "NO", "off", "0", "~", "", "''", "[]", "{}"] {
      let message = try task(option.before + value + option.after)
      #expect(message.unavailableOptions.isEmpty, "\(option.name): \(value)")
      #expect(message.warnings.isEmpty, "\(option.name): \(value)")
    }
  }

  @Test("an option of several entries is listed once")
  func once() throws {
    let message = try task(
      "{task: start vm, vm-configurations: [{vm-name: a, devs: [1]}, {vm-name: b, devs: [2], pci-ids: [1]}, {vm-name: c}]}"
    )
    #expect(message.unavailableOptions == ["devs", "pci-ids"])
    #expect(message.vms == ["a", "b", "c"])
  }

  @Test("a stop by pattern is named for the pattern; a name goes before it")
  func patterns() throws {
    let message = try task("{task: stop vm, list: [{regex: 'vm.*', force: true}, {vm-name: a, regex: '.*'}]}")
    let pattern = try NamePattern("vm.*")
    #expect(message.body == .stop([VMStop(matching: pattern, isForced: true), VMStop(vm: "a")]))
    #expect(message.vms == ["vm.*", "a"])
    #expect(try task(String(decoding: message.encoded(), as: UTF8.self)) == message)
  }

  @Test("a stop needs a name or a pattern that can be read", arguments: ["force: true", "regex: '(a'", "regex: ''"])
  func noPattern(text: String) {
    #expect(throws: UnreadableTask.self) { try task("{task: stop vm, list: [{\(text)}]}") }
  }

  @Test("what the reference does anyway, or we do, is no warning")
  func quietKeys() throws {
    let message = try task(
      """
      {task: stop vm, concurrent-execution: true, time-measurement: false,
       list: [{vm-name: a, concurrent-execution: false, time-measurement: false}]}
      """)
    #expect(message == TaskMessage(body: .stop([VMStop(vm: "a")])))
  }

  @Test(
    "sizes and maps that cannot be are refused",
    arguments: [
      ("{task: start vm, vm-configurations: [{vm-name: a, memory: 0}]}", "expected at least 1"),
      ("{task: start vm, vm-configurations: [{vm-name: a, vcpus: -1}]}", "a whole number, not negative"),
      ("{task: repin vm, vm-name: a, vcpu-map: []}", "a list of CPUs for each virtual CPU"),
      ("{task: repin vm, vm-name: a, vcpu-map: [[1], []]}", "a list of CPUs for each virtual CPU"),
      ("{task: repin vm, vm-name: a, vcpu-map: [1, 2]}", "a list"),
      ("{task: repin vm, vm-name: a, vcpu-map: [[4000000000]]}", "a list of CPUs for each virtual CPU"),
      ("{task: repin vm, vm-name: a}", "vcpu-map: required"),
      ("{task: repin vm, list: []}", "at least one entry"),
    ])
  func impossibleSizes(text: String, expected: String) {
    let error = #expect(throws: UnreadableTask.self) { try task(text) }
    #expect(error?.description.contains(expected) == true, "\(String(describing: error))")
  }

  @Test("a transient machine's sizes are those of its XML")
  func transientSizes() throws {
    let message = try task("{task: start vm, vm-configurations: [{xml: <domain/>, transient: true, memory: 4096}]}")
    #expect(message.unavailableOptions == ["memory"])
  }

  @Test("repin takes one machine, or a list")
  func repinList() throws {
    let message = try task("{task: repin vm, list: [{vm-name: a, vcpu-map: [[0]]}, {vm-name: b, vcpu-map: [[1, 2]]}]}")
    #expect(message.body == .repin([VMRepin(vm: "a", map: [[0]]), VMRepin(vm: "b", map: [[1, 2]])]))
  }

  @Test("how a migration goes can be tuned")
  func tuning() throws {
    let message = try task(
      """
      task: migrate vm
      vm-name: a
      destination: b
      parameter: {bandwidth: 100, auto-converge: yes, post-copy: on, parallel-connections: 4, compression: true,
        timeout: 300, downtime-limit: 50, vcpu-map: [[1]]}
      """)
    var expected = MigrationTuning.pinned([[1]])
    expected.bandwidth = 100
    expected.autoConverges = true
    expected.postCopies = true
    expected.parallelConnections = 4
    expected.compresses = true
    expected.timeout = 300
    expected.downtimeLimit = 50
    #expect(message.body == .migrate(VMMigration(vm: "a", destination: "b", tuning: expected)))
    #expect(try task(String(decoding: message.encoded(), as: UTF8.self)) == message)
    #expect(message.warnings.isEmpty)
  }

  @Test(
    "a tuning that cannot be is refused",
    arguments: ["bandwidth: 0", "timeout: -1", "downtime-limit: 1000001", "vcpu-map: [[]]"])
  func impossibleTuning(text: String) {
    #expect(throws: UnreadableTask.self) {
      try task("{task: migrate vm, vm-name: a, destination: b, parameter: {\(text)}}")
    }
  }
}
