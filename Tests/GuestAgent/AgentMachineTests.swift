import ClusterModel
import GuestAgentCore
import MigfraProtocol
import TestSupport
import Testing

@Suite("A guest agent's decisions")
struct AgentMachineTests {
  @Test("A process is announced when it is found, and taken back when it has ended")
  func announcement() {
    var bench = AgentBench(7, 9)
    check(bench.news(), is: ["vm1/7 is running", "vm1/9 is running"])
    bench.observe(bench.observed)
    check(bench.news(), is: [])
    bench.observe([AgentBench.process(9)])
    check(bench.news(), is: ["vm1/7 is no more"])
  }

  @Test("All that was announced is said again to a broker that may have forgotten it")
  func reconnect() {
    var bench = AgentBench(7, 9)
    bench.ask(.suspend)
    bench.pass()
    _ = bench.news()
    bench.handle(.busConnected)
    check(bench.news(), is: ["vm1/7 is suspended", "vm1/9 is running"])
  }

  @Test(
    "A process gets a signal only if it is not yet what is wanted",
    arguments: [
      ([.suspend], ["signal 10 to 7", "vm1/7 is suspended", "7: suspend success"]),
      ([.resume], ["7: resume success"]),
      (
        [.suspend, .suspend],
        ["signal 10 to 7", "vm1/7 is suspended", "7: suspend success", "7: suspend success"]
      ),
      (
        [.suspend, .resume],
        [
          "signal 10 to 7", "vm1/7 is suspended", "7: suspend success", "signal 10 to 7", "vm1/7 is running",
          "7: resume success",
        ]
      ),
    ] as [([PscomRequest], [String])])
  func toggles(_ requests: [PscomRequest], _ expected: [String]) {
    var bench = AgentBench(7)
    _ = bench.news()
    for request in requests {
      bench.ask(request)
      bench.pass()
    }
    check(bench.news(), is: expected)
  }

  @Test("A repeat during the settle time is answered with the first, when that is due")
  func repeatWhileSettling() {
    var bench = AgentBench(7)
    bench.ask(.suspend)
    bench.pass(.milliseconds(900))
    bench.ask(.suspend)
    check(bench.news(), is: ["vm1/7 is running", "signal 10 to 7"])
    bench.pass(.milliseconds(100))
    check(bench.news(), is: ["vm1/7 is suspended", "7: suspend success"])
    bench.pass(.seconds(10))
    check(bench.news(), is: [])
  }

  @Test("Requests for one process are carried out in their order, those for another beside them")
  func order() {
    var bench = AgentBench(7, 9)
    _ = bench.news()
    bench.ask(.suspend)
    bench.ask(.resume)
    bench.ask(.resume)
    bench.ask(.suspend)
    bench.ask(.suspend, of: "9")
    check(bench.news(), is: ["signal 10 to 7", "signal 10 to 9"])
    bench.pass()
    check(
      bench.news(),
      is: [
        "vm1/7 is suspended", "7: suspend success", "signal 10 to 7", "vm1/9 is suspended", "9: suspend success",
      ])
    bench.pass()
    check(bench.news(), is: ["vm1/7 is running", "7: resume success", "signal 10 to 7"])
    bench.pass()
    check(bench.news(), is: ["vm1/7 is suspended", "7: suspend success"])
  }

  @Test("More requests than may wait are refused")
  func flood() {
    var bench = AgentBench(7)
    bench.ask(.suspend)
    _ = bench.news()
    for request in [.resume, .suspend, .resume, .suspend] as [PscomRequest] { bench.ask(request) }
    check(bench.news(), is: ["7: suspend process 7 of vm1 has too many requests to carry out"])
  }

  @Test("any_proc asks every process, and each answers for itself")
  func everyProcess() {
    var bench = AgentBench(7, 9)
    bench.ask(.suspend, of: "9")
    bench.pass()
    _ = bench.news()
    bench.ask(.suspend, of: PscomTopics.everyProcess)
    check(bench.news(), is: ["9: suspend success", "signal 10 to 7"])
    bench.pass()
    check(bench.news(), is: ["vm1/7 is suspended", "7: suspend success"])
    check(bench.machine.suspended, is: [7, 9])
  }

  @Test("any_proc where no process is has no answer, only a line in the log")
  func nobody() {
    var bench = AgentBench()
    bench.ask(.suspend, of: PscomTopics.everyProcess)
    #expect(
      bench.effects.contains(.note(Note(.info, "no process is here that could be asked", ["task": "suspend"]))))
    check(bench.news(), is: [])
  }

  @Test("A process that is not here is refused on its own topic", arguments: ["8", "07", "+7", "seven", "99999999999"])
  func unknown(_ name: String) {
    var bench = AgentBench(7)
    _ = bench.news()
    bench.ask(.suspend, of: name)
    check(bench.news(), is: ["\(name): suspend vm1 has no process \(name) that can be suspended"])
  }

  @Test("A signal that could not be sent leaves the process what it was, on disk too; the next request tries again")
  func refusal() {
    var bench = AgentBench(7)
    bench.outcome = .refused("kill(7, 10): Operation not permitted")
    _ = bench.news()
    bench.ask(.suspend)
    check(bench.news(), is: ["signal 10 to 7", "7: suspend kill(7, 10): Operation not permitted"])
    #expect(bench.record?.processes.map(\.state) == [.running])
    bench.outcome = .sent
    bench.ask(.suspend)
    check(bench.news(), is: ["signal 10 to 7"])
  }

  @Test("A process that has not taken its signal is not suspended; what comes then waits until it has")
  func pendingSignal() {
    var bench = AgentBench(7)
    bench.ask(.suspend)
    bench.observe([AgentBench.process(7, pending: true)])
    _ = bench.news()
    bench.pass()
    check(bench.news(), is: ["7: suspend process 7 of vm1 has not taken signal 10 yet: it blocks it, or is stopped"])
    bench.ask(.suspend)
    bench.ask(.resume)
    bench.pass(.seconds(10))
    check(bench.news(), is: [])
    bench.observe([AgentBench.process(7)])
    bench.pass()
    check(bench.news(), is: ["vm1/7 is suspended", "7: suspend success", "signal 10 to 7"])
    bench.pass()
    check(bench.news(), is: ["vm1/7 is running", "7: resume success"])
  }

  @Test("A request that expires while it waits for its turn is not carried out")
  func expiry() {
    var bench = AgentBench(7)
    bench.ask(.suspend)
    bench.ask(.resume, expiry: .milliseconds(900))
    _ = bench.news()
    bench.pass()
    check(
      bench.news(),
      is: [
        "vm1/7 is suspended", "7: suspend success", "7: resume the request expired while it waited for its turn",
      ])
    bench.ask(.resume, expiry: .milliseconds(1))
    check(bench.news(), is: ["signal 10 to 7"])
  }

  @Test("A repeat prolongs the request that waits")
  func prolonged() {
    var bench = AgentBench(7)
    bench.ask(.suspend)
    bench.ask(.resume, expiry: .milliseconds(900))
    bench.ask(.resume)
    _ = bench.news()
    bench.pass()
    check(bench.news(), is: ["vm1/7 is suspended", "7: suspend success", "signal 10 to 7"])
  }
}
