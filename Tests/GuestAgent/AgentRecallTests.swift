import ClusterModel
import GuestAgentCore
import MigfraProtocol
import TestSupport
import Testing

@Suite("What a guest agent knows of its last run")
struct AgentRecallTests {
  private func record(
    _ state: AgentRecord.State, vm: VMName = "vm1", boot: String = "b1", stale: [AgentRecord.Announcement] = []
  ) -> AgentRecord {
    AgentRecord(
      vm: vm, boot: boot, processes: [AgentRecord.Process(ProcessIdentity(pid: 7, startTime: 100), state)],
      stale: stale)
  }

  @Test(
    "A process is what it was; an intent counts as carried out",
    arguments: [
      (.running, "running", .suspend), (.resuming, "running", .suspend), (.suspended, "suspended", .resume),
      (.suspending, "suspended", .resume),
    ] as [(AgentRecord.State, String, PscomRequest)])
  func states(_ state: AgentRecord.State, _ announced: String, _ opposite: PscomRequest) {
    var bench = AgentBench(7, recalled: record(state))
    check(bench.news(), is: ["vm1/7 is \(announced)"])
    let same: PscomRequest = opposite == .suspend ? .resume : .suspend
    bench.ask(same)
    check(bench.news(), is: ["7: \(same.rawValue) success"])
    bench.ask(opposite)
    check(bench.news(), is: ["signal 10 to 7"])
  }

  @Test("A process that has ended meanwhile is taken back")
  func ended() {
    var bench = AgentBench(recalled: record(.suspended))
    check(bench.news(), is: ["vm1/7 is no more"])
    #expect(bench.record?.processes == [])
  }

  @Test("What was not taken back stays on disk until the broker has")
  func stale() {
    let announcement = AgentRecord.Announcement(vm: "vm1", pid: 7)
    var bench = AgentBench(recalled: record(.running))
    #expect(bench.record?.stale == [announcement])
    // The agent is killed before its message has left.
    bench = AgentBench(recalled: bench.record)
    check(bench.news(), is: ["vm1/7 is no more"])
    bench.handle(.withdrawn(announcement))
    #expect(bench.record == AgentRecord(vm: "vm1", boot: "b1"))
  }

  @Test("After another boot the same number and start time mean another process")
  func reboot() {
    var bench = AgentBench(7, recalled: record(.suspended, boot: "b0"))
    check(bench.news(), is: ["vm1/7 is running"])
    #expect(bench.record?.boot == "b1")
  }

  @Test("Under another name the processes are what they were, and the old name's announcements go")
  func renamed() {
    var bench = AgentBench(7, recalled: record(.suspended, vm: "old"))
    check(bench.news(), is: ["old/7 is no more", "vm1/7 is suspended"])
  }

  @Test("A signal of the last run that was not taken yet is waited for, too")
  func pending() {
    var bench = AgentBench(recalled: record(.suspending), observing: [AgentBench.process(7, pending: true)])
    bench.ask(.suspend)
    bench.ask(.resume)
    check(bench.news(), is: [])
    bench.observe([AgentBench.process(7)])
    check(bench.news(), is: ["vm1/7 is suspended", "7: suspend success", "signal 10 to 7"])
  }

  @Test("Nothing is signalled before the processes were looked at")
  func unseen() {
    var machine = AgentMachine(AgentBench.settings, recalled: record(.running))
    let now = Moment(uptime: .zero, unixTime: 0)
    let effects = machine.handle(.requested(.suspend, process: "7", expiry: nil), at: now)
    let details = "the processes of vm1 cannot be looked at; the agent's log says why"
    #expect(effects == [.answer(process: "7", PscomAnswer(.suspend, isSuccess: false, details: details))])
  }
}
