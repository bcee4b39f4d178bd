import ClusterModel
import MigfraProtocol
import Testing

@Suite("Tasks in the seed's own spelling")
struct SeedTaskTests {
  struct Example: Sendable, CustomTestStringConvertible {
    var text: String
    var body: TaskMessage.Body
    var measuresTime = false

    var testDescription: String { text.split(separator: "\n").first.map(String.init) ?? "" }
  }

  static let examples = [
    Example(
      text: """
        task: start vm
        vm-configurations:
          - vm-name: vm1
          - xml: <domain><name>vm2</name></domain>
            transient: true
          - xml: |-
              <domain type='qemu'>
                <name>vm3</name>
              </domain>
        """,
      body: .start([
        VMStart(source: .defined("vm1"), name: "vm1"),
        VMStart(source: .xml("<domain><name>vm2</name></domain>", isTransient: true)),
        VMStart(source: .xml("<domain type='qemu'>\n  <name>vm3</name>\n</domain>", isTransient: false)),
      ])),
    Example(
      text: """
        task: start vm
        vm-configurations:
          - vm-name: vm1
            memory: 1048576
            vcpus: 0x4
          - xml: <domain/>
            pci-ids:
              - vendor: 0x15b3
                device: 0x1004
            transient: false
        """,
      body: .start([
        VMStart(source: .defined("vm1"), name: "vm1", memoryKiB: 1_048_576, vcpus: 4),
        .with(.xml("<domain/>", isTransient: false)) { $0.pciIDs = [PCIDeviceID(vendor: 0x15b3, device: 0x1004)] },
      ])),
    Example(
      text: """
        task: stop vm
        list:
          - vm-name: vm1
          - vm-name: vm2
            force: true
            undefine: yes
        """,
      body: .stop([VMStop(vm: "vm1"), VMStop(vm: "vm2", isForced: true, undefines: true)])),
    Example(
      text: """
        task: suspend vm
        list:
          - vm-name: vm1
          - vm-name: vm2
        """, body: .suspend(["vm1", "vm2"])),
    Example(
      text: """
        task: resume vm
        list:
          - vm-name: vm1
        """, body: .resume(["vm1"])),
    Example(
      text: """
        task: migrate vm
        vm-name: vm1
        destination: node2
        """, body: .migrate(VMMigration(vm: "vm1", destination: "node2"))),
    Example(
      text: """
        task: migrate vm
        vm-name: vm1
        destination: node2
        time-measurement: true
        parameter:
          retry-counter: 5
          migration-type: warm
          rdma-migration: false
          pscom-hook-procs: 0
        """, body: .migrate(VMMigration(vm: "vm1", destination: "node2", type: .warm, retries: 5)),
      measuresTime: true),
    Example(
      text: """
        task: migrate vm
        vm-name: vm1
        destination: node2
        parameter:
          migration-type: live
          rdma-migration: true
          pscom-hook-procs: 4
          vcpu-map: [[4], [5,6], [7]]
          swap-with:
            vm-name: vm2
            pscom-hook-procs: 2
            vcpu-map: [[0], [1]]
        """,
      body: .migrate(
        VMMigration(
          vm: "vm1", destination: "node2", type: .live,
          tuning: .with {
            $0.vcpuMap = [[4], [5, 6], [7]]
            $0.usesRDMA = true
            $0.hookProcesses = .count(4)
          }, partner: SwapPartner(vm: "vm2", hookProcesses: .count(2), vcpuMap: [[0], [1]])))),
    Example(
      text: """
        task: hold job
        vm-name: vm1
        pscom-hook-procs: 4
        lease: 120
        """, body: .hold(JobHold(vm: "vm1", processes: .count(4), lease: 120))),
    Example(text: "task: release job\nvm-name: vm1\n", body: .release(JobRelease(vm: "vm1"))),
    Example(
      text: """
        task: restore node
        parameter:
          migration-type: warm
          overbooking: true
        """,
      body: .restore(NodeRestore(way: VMTravel(type: .warm, overbooking: true)))),
    Example(
      text: """
        task: rearrange vms
        dry-run: true
        list:
          - vm-name: vm1
            destination: node2
        """,
      body: .rearrange(VMRearrangement([.init(vm: "vm1", destination: "node2")], isDryRun: true))),
    Example(
      text: """
        task: apply plan
        plan: p7-1
        """,
      body: .apply("p7-1")),
    Example(
      text: """
        task: pause
        task-id: p7-1
        """,
      body: .pauseOperation("p7-1")),
    Example(
      text: """
        task: resume
        task-id: p7-1
        """,
      body: .resumeOperation("p7-1")),
    Example(
      text: """
        task: evacuate node
        time-measurement: on
        destinations:
          - node2
          - node3
        parameter:
          retry-counter: 0
          mode: compact
          migration-type: offline
          rdma-migration: no
          overbooking: true
          pscom-hook-procs: 0
        """,
      body: .evacuate(
        NodeEvacuation(
          destinations: ["node2", "node3"], mode: .compact, migrationType: .offline, overbooking: true, retries: 0)),
      measuresTime: true),
    Example(
      text: """
        task: evacuate node
        destinations:
          - node2
        parameter:
          mode: auto
          pscom-hook-procs: auto
        """,
      body: .evacuate(
        NodeEvacuation(destinations: ["node2"], mode: .auto, tuning: .with { $0.hookProcesses = .announced }))),
    Example(
      text: """
        task: repin vm
        vm-name: vm1
        vcpu-map: [[4],[5],[6],[7]]
        """, body: .repin([VMRepin(vm: "vm1", map: [[4], [5], [6], [7]])])),
    Example(text: "task: quit", body: .quit),
    Example(text: "task: cancel\ntask-id: 0017", body: .cancel("0017")),
    Example(
      text: """
        task: evacuate node
        dry-run: true
        parameter:
          best-effort: false
          mode: scatter
        """, body: .evacuate(NodeEvacuation(mode: .scatter, bestEffort: false, isDryRun: true))),
    Example(text: "task: cordon node\nreason: new fan", body: .cordon(reason: "new fan")),
    Example(text: "task: cordon node", body: .cordon(reason: "cordoned on request")),
    Example(text: "task: uncordon node", body: .uncordon),
  ]

  private func expected(_ example: Example, id: TaskID? = nil, host: HostName? = nil) -> TaskMessage {
    TaskMessage(
      id: id, host: host, body: example.body, measuresTime: example.measuresTime)
  }

  @Test("a task without an id is read", arguments: examples)
  func withoutID(_ example: Example) throws {
    #expect(try task(example.text) == expected(example))
  }

  @Test("host and id may stand before and behind the rest", arguments: examples)
  func withID(_ example: Example) throws {
    let wanted = expected(example, id: "0017", host: "node1")
    #expect(try task("host: node1\nid: 0017\n\(example.text)") == wanted)
    #expect(try task("\(example.text)\nid: '0017'\nhost: node1\n") == wanted)
  }

  @Test("the marks of a document's beginning and end may be there or not", arguments: examples)
  func documentMarks(_ example: Example) throws {
    for form in [
      "---\n\(example.text)", "\(example.text)\n...\n", "---\n\(example.text)\n...\n", "---\n\(example.text)\n---\n",
      "\n\n# from a scheduler\n\(example.text)\n\n\n",
    ] {
      #expect(try task(form) == expected(example))
    }
  }

  @Test("lines may end as in Windows", arguments: examples)
  func windowsLines(_ example: Example) throws {
    let lines = example.text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(try task(lines.joined(separator: "\r\n")) == expected(example))
  }

  @Test("every kind of task has an example here")
  func completeness() throws {
    let kinds = Set(try Self.examples.map { try task($0.text).kind })
    #expect(kinds == Set(TaskMessage.Kind.allCases))
  }
}

extension MigrationTuning {
  static func with(_ change: (inout MigrationTuning) -> Void) -> MigrationTuning {
    var tuning = MigrationTuning()
    change(&tuning)
    return tuning
  }

  static func pinned(_ map: VCPUMap) -> MigrationTuning { .with { $0.vcpuMap = map } }
}

extension VMStart {
  static func with(_ source: Source, name: VMName? = nil, _ change: (inout VMStart) -> Void) -> VMStart {
    var start = VMStart(source: source, name: name)
    change(&start)
    return start
  }
}
