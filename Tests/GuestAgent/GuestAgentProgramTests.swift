import ClusterModel
import DaemonKit
import Glibc
import MessageBus
import MigfraProtocol
import Mosquitto
import TestSupport
import Testing

@Suite("migfra-guest-agent, the program", .requiresMosquitto, .requiresTogglingProcesses, .timeLimit(.minutes(10)))
struct GuestAgentProgramTests {
  @Test("A process is announced, suspended once however often that is asked, resumed, and taken back when it ends")
  func life() async throws {
    let guest = try await Guest()
    let process = try TogglingProcess(in: guest.view)
    let agent = try guest.startAgent()
    try await guest.untilAnnounced(process, .running)

    #expect(try await guest.ask(.suspend, process) == PscomAnswer(.suspend))
    #expect(process.count == 1)
    try await guest.untilAnnounced(process, .suspended)
    #expect(try await guest.ask(.suspend, process) == PscomAnswer(.suspend))
    #expect(try await guest.ask(.resume, process, as: .reference) == PscomAnswer(.resume))
    #expect(process.count == 2, "one for each change")
    try await guest.untilAnnounced(process, .running)
    #expect(try await guest.ask(.resume, process) == PscomAnswer(.resume))
    #expect(process.count == 2)

    try await process.child.end(with: SIGTERM)
    try await guest.untilAnnounced(process, nil)
    #expect(try await guest.retained().isEmpty)
    try await agent.end(with: SIGTERM)
    #expect(agent.exitCode == 0, "\(guest.log)")
    await guest.close()
  }

  @Test("A killed agent's successor resumes what was suspended, and takes back what has ended meanwhile")
  func killed() async throws {
    let guest = try await Guest()
    let process = try TogglingProcess(in: guest.view)
    let mortal = try TogglingProcess(in: guest.view)
    let agent = try guest.startAgent()
    try await guest.untilAnnounced(process, .running)
    try await guest.untilAnnounced(mortal, .running)
    #expect(try await guest.ask(.suspend, process) == PscomAnswer(.suspend))
    try await agent.end(with: SIGKILL)
    try await mortal.child.end(with: SIGTERM)

    let next = try guest.startAgent()
    try await guest.untilAnnounced(mortal, nil)
    #expect(try await guest.ask(.suspend, process) == PscomAnswer(.suspend))
    #expect(process.count == 1)
    #expect(try await guest.ask(.resume, process) == PscomAnswer(.resume))
    #expect(process.count == 2)
    try await next.end(with: SIGTERM)
    await guest.close()
  }

  @Test("An agent that is stopped leaves what is suspended, and says so")
  func stopped() async throws {
    let guest = try await Guest()
    let process = try TogglingProcess(in: guest.view)
    let agent = try guest.startAgent()
    try await guest.untilAnnounced(process, .running)
    #expect(try await guest.ask(.suspend, process) == PscomAnswer(.suspend))
    try await agent.end(with: SIGTERM)
    #expect(agent.exitCode == 0)
    #expect(guest.log.contains("stopping; processes stay suspended"), "\(guest.log)")
    #expect(guest.log.contains("processes=[\(process.pid)]"), "\(guest.log)")
    #expect(process.count == 1)
    #expect(try await guest.retained() == [PscomTopics.state("vm1", "\(process.pid)"): "state: suspended\n"])
    await guest.close()
  }

  @Test("All are asked by any_proc, each answers for itself; who only carries the variable is left alone")
  func everyProcess() async throws {
    let guest = try await Guest()
    let launcher = try TogglingProcess(.ignoresVariable, in: guest.view)
    let script = try TogglingProcess(.isScript, in: guest.view)
    try await eventually("trap") { script.isReady }
    let processes = [try TogglingProcess(in: guest.view), try TogglingProcess(in: guest.view)]
    let agent = try guest.startAgent()
    for process in processes { try await guest.untilAnnounced(process, .running) }
    try await guest.send(.suspend, to: PscomTopics.everyProcess, as: .reference)
    for process in processes {
      try await eventually("answer of \(process.pid)") {
        guest.answers(of: "\(process.pid)") == [PscomAnswer(.suspend)]
      }
      #expect(process.count == 1)
    }
    #expect(guest.answers(of: PscomTopics.everyProcess) == [])
    #expect(guest.answers(of: "\(launcher.pid)") == [])
    #expect(launcher.child.isRunning)
    let refusal = try await guest.ask(.suspend, launcher)
    #expect(!refusal.isSuccess)
    #expect(refusal.details == "vm1 has no process \(launcher.pid) that can be suspended")
    #expect(launcher.child.isRunning)
    #expect(script.child.isRunning)
    try await agent.end(with: SIGTERM)
    await guest.close()
  }

  @Test("A process that was started since the last look is asked, too: a request brings a look of its own")
  func young() async throws {
    let guest = try await Guest()
    let first = try TogglingProcess(in: guest.view)
    try await first.untilCatching()
    let agent = try guest.startAgent(scanInterval: 60)
    try await guest.untilAnnounced(first, .running)
    let young = try TogglingProcess(in: guest.view)
    try await young.untilCatching()
    try await guest.send(.suspend, to: PscomTopics.everyProcess)
    try await eventually("answer of \(young.pid)") { guest.answers(of: "\(young.pid)") == [PscomAnswer(.suspend)] }
    #expect(young.count == 1)
    try await agent.end(with: SIGTERM)
    await guest.close()
  }

  @Test("A process that is stopped fails its request, and is running in the end when that was asked meanwhile")
  func stoppedProcess() async throws {
    let guest = try await Guest()
    let process = try TogglingProcess(in: guest.view)
    let agent = try guest.startAgent()
    try await guest.untilAnnounced(process, .running)
    try await process.stop()
    let answer = try await guest.ask(.suspend, process)
    #expect(answer.details?.contains("has not taken signal 10 yet") == true)
    try await guest.send(.resume, to: "\(process.pid)")
    process.child.signal(SIGCONT)
    try await eventually("answer") { guest.answers(of: "\(process.pid)").last == PscomAnswer(.resume) }
    #expect(process.count == 2)
    try await guest.untilAnnounced(process, .running)
    try await agent.end(with: SIGTERM)
    await guest.close()
  }

  @Test("A process that ends instead of being suspended fails its request")
  func mortal() async throws {
    let guest = try await Guest()
    let process = try TogglingProcess(.ends, in: guest.view)
    let agent = try guest.startAgent()
    try await guest.untilAnnounced(process, .running)
    let answer = try await guest.ask(.suspend, process)
    #expect(answer.details == "process \(process.pid) of vm1 has ended")
    #expect(!answer.isSuccess)
    try await guest.untilAnnounced(process, nil)
    try await agent.end(with: SIGTERM)
    await guest.close()
  }

  @Test("Of requests that came while the agent was away those are carried out that have not expired, in their order")
  func absence() async throws {
    let guest = try await Guest()
    let process = try TogglingProcess(in: guest.view)
    let agent = try guest.startAgent()
    try await guest.untilAnnounced(process, .running)
    try await agent.end(with: SIGKILL)
    try await guest.send(.suspend, to: "\(process.pid)", expiry: .seconds(1))
    // Only time makes it expire; mosquitto counts whole seconds.
    try await Task.sleep(for: .milliseconds(2100))
    try await guest.send(.resume, to: "\(process.pid)", expiry: .seconds(60))
    let next = try guest.startAgent()
    try await eventually("answer") { guest.answers(of: "\(process.pid)") == [PscomAnswer(.resume)] }
    #expect(process.count == 0)
    try await next.end(with: SIGTERM)
    await guest.close()
  }

  @Test("A retained request is refused: it would be carried out at every start")
  func retainedRequest() async throws {
    let guest = try await Guest()
    let process = try TogglingProcess(in: guest.view)
    try await guest.send(.suspend, to: PscomTopics.everyProcess, isRetained: true)
    let agent = try guest.startAgent()
    try await guest.untilAnnounced(process, .running)
    try await eventually("refusal") { guest.log.contains("a retained task was refused") }
    #expect(process.count == 0)
    try await agent.end(with: SIGTERM)
    await guest.close()
  }

  @Test("A second agent on the same state directory is refused, with the way out")
  func exclusive() async throws {
    let guest = try await Guest()
    let process = try TogglingProcess(in: guest.view)
    let agent = try guest.startAgent()
    try await guest.untilAnnounced(process, .running)
    let second = try guest.startAgent("--vm-name", "vm2")
    #expect(try await second.wait() != 0)
    #expect(guest.log.contains("another agent works with"), "\(guest.log)")
    try await agent.end(with: SIGTERM)
    await guest.close()
  }

  @Test("--check-config says what the configuration means, and what is wrong in it")
  func checkConfig() async throws {
    let folder = try TemporaryFolder()
    try folder.write("guest-agent: {vm-name: vm9, settle-time: 2.5}\n", to: "good.conf")
    let good = try await Programs.run("migfra-guest-agent", "-c", folder.file("good.conf"), "--check-config")
    #expect(good.status == 0, "\(good.text)")
    #expect(good.text.contains("vm-name          vm9\n"))
    #expect(good.text.contains("settle-time      2.5 s\n"))
    let wrong = try await Programs.run("migfra-guest-agent", "--vm-name", "a/b", "--check-config")
    #expect(wrong.status != 0)
    #expect(wrong.text.contains("'a/b' is no machine's name; give one with --vm-name"))
  }
}
