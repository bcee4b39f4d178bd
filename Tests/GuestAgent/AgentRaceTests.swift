import ClusterModel
import GuestAgentCore
import MigfraProtocol
import TestSupport
import Testing

/// One test per race.
@Suite("A guest agent between two events")
struct AgentRaceTests {
  @Test("The intent is on disk with the wish to signal, the result when the signal was sent")
  func intent() {
    var bench = AgentBench(7)
    bench.outcome = nil
    bench.ask(.suspend)
    #expect(bench.record?.processes.map(\.state) == [.suspending])
    bench.tell(.sent)
    #expect(bench.record?.processes.map(\.state) == [.suspended])
  }

  @Test("A repeat that comes while the signal is being sent brings no second one")
  func repeatWhileSignalling() {
    var bench = AgentBench(7)
    bench.outcome = nil
    _ = bench.news()
    bench.ask(.suspend)
    bench.ask(.suspend, of: PscomTopics.everyProcess)
    check(bench.news(), is: ["signal 10 to 7"])
    bench.tell(.sent)
    bench.pass()
    check(bench.news(), is: ["vm1/7 is suspended", "7: suspend success"])
  }

  @Test("A process that ends while it is signalled fails its request and those that wait, once each")
  func goneAtSignal() {
    var bench = AgentBench(7)
    bench.outcome = nil
    bench.ask(.suspend)
    bench.ask(.resume)
    _ = bench.news()
    bench.tell(.gone)
    let words = "process 7 of vm1 has ended"
    check(bench.news(), is: ["vm1/7 is no more", "7: suspend \(words)", "7: resume \(words)"])
    bench.observe([])
    check(bench.news(), is: [])
  }

  @Test("A process that ends during its settle time fails its request; the timer changes nothing")
  func goneWhileSettling() {
    var bench = AgentBench(7)
    bench.ask(.suspend)
    bench.observe([])
    _ = bench.news()
    bench.pass()
    check(bench.news(), is: [])
  }

  @Test("A number given to another process: the old one's state and outcome are not the new one's")
  func reusedNumber() {
    var bench = AgentBench(7)
    bench.outcome = nil
    bench.ask(.suspend)
    _ = bench.news()
    bench.observe([AgentBench.process(7, start: 200)])
    check(
      bench.news(), is: ["vm1/7 is no more", "7: suspend process 7 of vm1 has ended", "vm1/7 is running"])
    bench.ask(.suspend)
    #expect(bench.toggles.map(\.process.startTime) == [100, 200])
    bench.handle(.signalled([Signalled(ProcessIdentity(pid: 7, startTime: 100), .refused("late"))]))
    check(bench.news(), is: ["signal 10 to 7"])
    bench.tell(.sent)
    bench.pass()
    check(bench.news(), is: ["vm1/7 is suspended", "7: suspend success"])
  }

  @Test("A timer of an earlier toggle does not end the settle time of a later one")
  func staleTimer() {
    var bench = AgentBench(7)
    bench.ask(.suspend)
    bench.pass()
    bench.ask(.resume)
    _ = bench.news()
    bench.handle(.timerFired(AgentTimer(ProcessIdentity(pid: 7, startTime: 100), round: 1)))
    check(bench.news(), is: [])
    bench.pass()
    check(bench.news(), is: ["vm1/7 is running", "7: resume success"])
  }

  @Test("A record that could not be written is written again when the process was not signalled")
  func unwritten() {
    var bench = AgentBench(7)
    bench.outcome = .refused("disk full")
    bench.ask(.suspend)
    #expect(bench.record?.processes.map(\.state) == [.running])
  }

  @Test("A program that took the place of another (exec) toggles on its own signal")
  func otherSignal() {
    var bench = AgentBench(7)
    bench.observe([AgentBench.process(7, signal: 12)])
    _ = bench.news()
    bench.ask(.suspend)
    check(bench.news(), is: ["signal 12 to 7"])
  }

  @Test("A number that is announced again before its withdrawal was acknowledged stays announced")
  func withdrawnLate() {
    var bench = AgentBench(7)
    bench.observe([])
    bench.observe([AgentBench.process(7, start: 200)])
    #expect(bench.record?.stale == [])
    bench.handle(.withdrawn(AgentRecord.Announcement(vm: "vm1", pid: 7)))
    #expect(bench.record?.processes.count == 1)
  }
}
