import ClusterModel
import MigfraProtocol
import Testing

@Suite("Reports")
struct ReportTests {
  private let machine = VirtualMachine(
    name: "vm1", uuid: "6c1c", state: .shutOff, memoryKiB: 98304, vcpus: 2, isPersistent: false, processID: 12)

  @Test("a host's report is written so")
  func host() {
    let report = HostReport(
      host: "node1", presence: .online, epoch: 1_764_000_000_000, sequence: 3, version: "0.1.0",
      capacity: HostCapacity(memoryKiB: 2048, cpus: 8), hypervisor: "QEMU 7.2.22", vms: [machine])
    #expect(
      text(report.encoded()) == """
        host: node1
        status: online
        epoch: 1764000000000
        sequence: 3
        version: "0.1.0"
        hypervisor: QEMU 7.2.22
        hypervisor-reachable: true
        capacity:
          memory: 2048
          cpus: 8
        vms:
        - name: vm1
          uuid: 6c1c
          state: shut off
          memory: 98304
          vcpus: 2
          transient: true
          process-id: 12

        """)
  }

  @Test("link, rack and labels are written after memory and CPUs, and read again")
  func traits() throws {
    let capacity = HostCapacity(memoryKiB: 2048, cpus: 8, bandwidthMiB: 1192, rack: "r1", labels: ["gen2", "ib"])
    let report = HostReport(host: "node1", presence: .online, epoch: 1, capacity: capacity)
    let written = text(report.encoded())
    #expect(written.contains("  cpus: 8\n  bandwidth: 1192\n  rack: r1\n  labels:\n  - gen2\n  - ib\n"))
    #expect(try HostReport.decode(report.encoded()) == report)
  }

  @Test("a will is short")
  func will() {
    let will = HostReport(host: "node1", presence: .offline, epoch: 7, version: "0.1.0")
    #expect(text(will.encoded()) == "host: node1\nstatus: offline\nepoch: 7\nsequence: 0\nversion: \"0.1.0\"\n")
  }

  @Test("progress is written so")
  func progress() {
    let progress = MigrationProgress(
      vm: "vm1", task: "t", destination: "node2", phase: .copying, totalBytes: 100, doneBytes: 25, remainingBytes: 75,
      rate: 50, dirtyRate: 10, elapsedSeconds: 0.5, remainingSeconds: 1.5)
    #expect(
      text(progress.encoded()) == """
        vm-name: vm1
        task: t
        destination: node2
        phase: copying
        bytes-total: 100
        bytes-done: 25
        bytes-left: 75
        rate: 50
        dirty-rate: 10
        elapsed: 0.500
        eta: 1.500

        """)
  }

  @Test("a plan's report is written so")
  func plan() {
    let move = Plan.Move(vm: machine, source: "node1", destination: "node2")
    let load = Plan.HostLoad(
      host: "node2", capacity: HostCapacity(memoryKiB: 2048, cpus: 8), vmsBefore: 0, vmsAfter: 1, memoryKiBBefore: 0,
      memoryKiBAfter: 1024, vcpusBefore: 0, vcpusAfter: 2)
    let report = PlanReport(
      id: "p7-1", operation: .evacuation(EvacuationRequest(sources: ["node1"], destinations: ["node2", "node3"])),
      state: .draining,
      reason: "1 to move", task: "e1", moves: [PlanReport.Move(move: move, state: .moving, seconds: 0.25)],
      unplaced: [Plan.Unplaced(vm: machine, source: "node1", cause: .noDestination, details: "none")], loads: [load],
      seconds: 1, remainingSeconds: 2)
    #expect(
      text(report.encoded()) == """
        plan: p7-1
        state: DRAINING
        reason: 1 to move
        operation: evacuation
        task: e1
        sources: [node1]
        destinations: [node2, node3]
        mode: auto
        migration-type: live
        overbooking: false
        best-effort: true
        retry-counter: 3
        elapsed: 1.000
        eta: 2.000
        moves:
        - name: vm1
          uuid: 6c1c
          state: shut off
          memory: 98304
          vcpus: 2
          transient: true
          process-id: 12
          source: node1
          destination: node2
          move: moving
          retries: 0
          seconds: 0.250
        unplaced:
        - name: vm1
          uuid: 6c1c
          state: shut off
          memory: 98304
          vcpus: 2
          transient: true
          process-id: 12
          source: node1
          cause: no-destination
          details: none
        hosts:
        - host: node2
          memory: 2048
          cpus: 8
          vms-before: 0
          vms-after: 1
          memory-before: 0
          memory-after: 1024
          vcpus-before: 0
          vcpus-after: 2

        """)
  }

  @Test("states of nodes and of the coordinator are written so")
  func small() {
    #expect(
      text(NodeReport(host: "node1", state: .drained, reason: "plan p1: 3 moved").encoded())
        == "host: node1\nstate: DRAINED\nreason: \"plan p1: 3 moved\"\n")
    let stray = StrayCopy(
      name: "vm1", uuid: "u", isActive: false, others: [StrayCopy.Other(host: "node2", name: "vm0", isActive: true)])
    #expect(
      text(NodeReport(host: "node1", state: .active, reason: "", strays: [stray]).encoded())
        == """
        host: node1
        state: ACTIVE
        reason: ""
        strays:
        - name: vm1
          uuid: u
          active: false
          others:
          - host: node2
            name: vm0
            active: true

        """)
    #expect(
      text(CoordinatorReport(isOnline: true, epoch: 5, version: "0.1.0").encoded())
        == "status: online\nepoch: 5\nversion: \"0.1.0\"\n")
  }

  @Test("keys of a later version are no reason to misunderstand a report")
  func laterKeys() throws {
    let report = try HostReport.decode(
      Array("host: a\nstatus: online\nepoch: 1\nmood: good\ncapacity: {memory: 1, cpus: 2, gpus: 3}\n".utf8))
    #expect(report.capacity == HostCapacity(memoryKiB: 1, cpus: 2))
    #expect(report.vms.isEmpty)
    #expect(report.isHypervisorReachable)
  }

  @Test("no machine is so large that sums of what is reported overflow")
  func absurdSizes() throws {
    let machines = Array(
      repeating: "{name: a, uuid: b, state: running, memory: 9223372036854775807, vcpus: 9223372036854775807}",
      count: 1000)
    let report = try HostReport.decode(
      Array(
        """
        {host: a, status: online, epoch: 1, capacity: {memory: 9223372036854775807, cpus: 9223372036854775807},
         vms: [\(machines.joined(separator: ", "))]}
        """.utf8))
    #expect(report.vms.count == 1000)
    let host = ClusterSnapshot.Host(name: "a", capacity: report.capacity, vms: report.vms)
    #expect(host.usedMemoryKiB == 1000 << 36)
    #expect(host.usedVCPUs == 1000 << 20)
  }

  @Test("a large host's report is read: ten thousand machines")
  func largeReport() throws {
    let machines = (0..<10_000).map {
      VirtualMachine(name: VMName(rawValue: "vm\($0)"), uuid: "u\($0)", state: .running, memoryKiB: 1024, vcpus: 1)
    }
    let report = HostReport(host: "a", presence: .online, epoch: 1, vms: machines)
    #expect(try HostReport.decode(report.encoded()) == report)
  }

  @Test(
    "what is no report is refused with its place",
    arguments: [
      ("", "line 1, column 1: expected a mapping"), ("status: online", "host: required"),
      ("host: a b\nstatus: online\nepoch: 1", "line 1, column 7: host: expected a host name"),
      ("host: a\nstatus: asleep\nepoch: 1", "status: expected one of online, stopped, offline"),
      ("host: a\nstatus: offline\nepoch: -1", "epoch: expected an unsigned integer"),
      ("host: a\nstatus: online\nepoch: 1", "capacity: required of a host that is online"),
      (
        "host: a\nstatus: online\nepoch: 1\ncapacity: {memory: -1, cpus: 1}", "capacity.memory: expected a whole number"
      ),
      (
        "host: a\nstatus: online\nepoch: 1\ncapacity: {memory: 1, cpus: 1}\nvms:\n- name: a\n  uuid: b\n  state: odd\n",
        "line 8, column 10: vms[0].state: expected one of running"
      ),
    ])
  func noReport(_ text: String, _ words: String) {
    let error = #expect(throws: (any Error).self) { try HostReport.decode(Array(text.utf8)) }
    #expect("\(error.map { "\($0)" } ?? "")".contains(words))
  }
}
