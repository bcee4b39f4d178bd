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

  @Test("an option that may be left out asks for nothing when it is off", arguments: TaskOptions.all)
  func off(_ option: TaskOptions.Option) throws {
    let without = try task(option.before + "~" + option.after)
    for value in ["false", "False", "NO", "off", "0", "", "''", "[]", "{}"] {
      let message = try task(option.before + value + option.after)
      #expect(message == without, "\(option.name): \(value)")
    }
    #expect(without.warnings.isEmpty)
  }

  @Test("an option that is on is read, and written again", arguments: TaskOptions.all)
  func on(_ option: TaskOptions.Option) throws {
    let message = try task(option.before + option.value + option.after)
    #expect(message.warnings.isEmpty)
    #expect(message != (try task(option.before + "~" + option.after)))
    #expect(try task(String(decoding: message.encoded(), as: UTF8.self)) == message)
  }

  @Test("an option of another kind is refused", arguments: TaskOptions.all)
  func nonsense(_ option: TaskOptions.Option) {
    #expect(throws: UnreadableTask.self) { try task(option.before + "[{x: y}]" + option.after) }
  }

  @Test("devices, shared memory and maps of a start")
  func startOptions() throws {
    let message = try task(
      """
      task: start vm
      vm-configurations:
        - vm-name: a
          vcpu-map: [[0], [1, 2]]
          memnode-map: [[0, 1]]
          pci-ids: [{vendor: 0x15b3, device: 4100}]
          devs: [{pci-addr: "0000:04:00.1"}, {pci-addr: "81:1f.7"}]
          ivshmem: {id: pool-1, size: 16, path: /ignored}
      """)
    let expected = VMStart.with(.defined("a"), name: "a") {
      $0.vcpuMap = [[0], [1, 2]]
      $0.memoryNodes = [[0, 1]]
      $0.pciIDs = [PCIDeviceID(vendor: 0x15b3, device: 0x1004)]
      $0.devices = [
        PCIAddress(domain: 0, bus: 4, slot: 0, function: 1), PCIAddress(domain: 0, bus: 0x81, slot: 0x1f, function: 7),
      ]
      $0.sharedMemory = SharedMemory(id: "pool-1", sizeMiB: 16)
    }
    #expect(message.body == .start([expected]))
    #expect(message.warnings.isEmpty)
    #expect(String(decoding: message.encoded(), as: UTF8.self).contains("vendor: 0x15b3"))
  }

  @Test(
    "devices that cannot be are refused",
    arguments: [
      "pci-ids: [{vendor: 0x15b3}]", "pci-ids: [{vendor: 0x15b34, device: 1}]", "devs: [{pci-addr: 04}]",
      "devs: [{pci-addr: '00:20.0'}]", "devs: [{pci-addr: '00:+1.0'}]", "devs: [{pci-addr: '0:00:00:00.0'}]",
      "devs: [{pci-addr: '00:01.0'}, {pci-addr: '0000:00:01.0'}]", "ivshmem: {id: a, size: 3}",
      "ivshmem: {id: ../a, size: 4}", "ivshmem: {id: 'a b', size: 4}", "memnode-map: [[]]",
    ])
  func impossibleDevices(text: String) {
    #expect(throws: UnreadableTask.self) { try task("{task: start vm, vm-configurations: [{vm-name: a, \(text)}]}") }
  }

  @Test("the first driver that is named counts, wherever it stands")
  func drivers() throws {
    let message = try task("{task: stop vm, list: [{vm-name: a}, {vm-name: b, driver: qemu}, {vm-name: c, driver: x}]}")
    #expect(message.driver == "qemu")
    #expect(try task("{task: repin vm, driver: xen, vm-name: a, vcpu-map: [[0]]}").driver == "xen")
  }

  @Test("a cancelled task is named by its id", arguments: ["{task: cancel}", "{task: cancel, task-id: ''}"])
  func cancelWithoutID(_ text: String) {
    #expect(throws: UnreadableTask.self) { try task(text) }
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
      ("{task: evacuate node, host: n1, parameter: {cpu-ratio: 0.5}}", "expected 1 to 1000"),
      ("{task: evacuate node, host: n1, parameter: {cpu-ratio: .nan}}", "cpu-ratio"),
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
        timeout: 300, downtime-limit: 50, non-convergence: give-up, vcpu-map: [[1]]}
      """)
    var expected = MigrationTuning.pinned([[1]])
    expected.bandwidth = 100
    expected.autoConverges = true
    expected.postCopies = true
    expected.parallelConnections = 4
    expected.compresses = true
    expected.timeout = 300
    expected.downtimeLimit = 50
    expected.nonConvergence = .giveUp
    #expect(message.body == .migrate(VMMigration(vm: "a", destination: "b", tuning: expected)))
    #expect(try task(String(decoding: message.encoded(), as: UTF8.self)) == message)
    #expect(message.warnings.isEmpty)
  }

  @Test(
    "a tuning that cannot be is refused",
    arguments: [
      "bandwidth: 0", "timeout: -1", "downtime-limit: 1000001", "vcpu-map: [[]]", "non-convergence: hope",
      "transport: ftp",
    ])
  func impossibleTuning(text: String) {
    #expect(throws: UnreadableTask.self) {
      try task("{task: migrate vm, vm-name: a, destination: b, parameter: {\(text)}}")
    }
  }
}
