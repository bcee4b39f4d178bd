import ClusterModel
import Testing

@Suite("The cluster's model")
struct ModelTests {
  @Test(
    "a machine must be moved to empty its host as long as it lives there",
    arguments: [
      (.running, true), (.paused, true), (.other, true), (.arriving, false), (.shutOff, false), (.crashed, false),
    ] as [(VirtualMachine.State, Bool)])
  func activity(_ state: VirtualMachine.State, _ isActive: Bool) {
    #expect(state.isActive == isActive)
  }

  @Test("what is promised to machines on their way counts as used")
  func reservations() {
    let machines = [
      VirtualMachine(name: "a", uuid: "1", state: .running, memoryKiB: 100, vcpus: 2),
      VirtualMachine(name: "b", uuid: "2", state: .paused, memoryKiB: 50, vcpus: 1),
    ]
    let host = ClusterSnapshot.Host(
      name: "node1", capacity: HostCapacity(memoryKiB: 1000, cpus: 8), vms: machines, reservedMemoryKiB: 7,
      reservedVCPUs: 3)
    #expect(host.usedMemoryKiB == 157)
    #expect(host.usedVCPUs == 6)
  }

  @Test("a report's active machines are those that occupy the host")
  func activeMachines() {
    let states = VirtualMachine.State.allCases
    let report = HostReport(
      host: "node1", presence: .online, epoch: 1,
      vms: states.map {
        VirtualMachine(name: VMName(rawValue: $0.rawValue), uuid: "", state: $0, memoryKiB: 1, vcpus: 1)
      })
    #expect(report.activeVMs.map(\.state) == [.running, .paused, .other])
  }

  @Test("only an active host takes arrivals unasked", arguments: NodeReport.State.allCases)
  func arrivals(_ state: NodeReport.State) {
    #expect(state.takesArrivals == (state == .active))
  }

  @Test("a plan is over in every state but four", arguments: PlanReport.State.allCases)
  func finalPlans(_ state: PlanReport.State) {
    #expect(state.isFinal == ![.draining, .running, .paused, .cancelling].contains(state))
  }

  @Test("a move is over when the machine is there, or stays", arguments: PlanReport.Move.State.allCases)
  func finalMoves(_ state: PlanReport.Move.State) {
    #expect(state.isFinal == [.moved, .failed].contains(state))
  }
}
