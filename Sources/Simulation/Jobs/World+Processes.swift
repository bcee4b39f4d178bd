import ClusterModel
import MigfraProtocol
import VirtualTime

/// The processes of jobs, and the agents that speak for them: they know what they have done, and do it once.
extension World {
  /// A machine that is there from the beginning, at times with a job.
  mutating func begin(_ machine: Machine, on host: HostName) {
    truth.machines.append(machine.name)
    if machine.state == .shutOff { truth.off.insert(machine.name) }
    guard machine.state == .running, generator.happens(size.jobPercent) else { return }
    bus.open(.agent(machine.name))
    for number in 1...Int.random(in: 1...3, using: &generator) {
      truth.processes[machine.name, default: [:]]["\(number)"] = JobProcess()
      publish(.processState(PscomProcessReport(.running), machine.name, process: "\(number)"))
    }
  }

  /// A request reaches a machine's agent.
  mutating func receive(_ request: PscomRequest, _ vm: VMName, _ process: String, _ deadline: Duration?) {
    let all = truth.processes[vm] ?? [:]
    for name in all.keys.sorted() where name == process || process == PscomTopics.everyProcess {
      truth.processes[vm]?[name]?.requests.append((request, deadline))
      guard truth.processes[vm]?[name]?.requests.count == 1 else { continue }
      events.add(.process(vm, name), at: soon(5...500) + (all[name]?.lag ?? .zero))
    }
  }

  /// A process takes its next request, if its machine runs.
  mutating func proceed(_ name: String, of vm: VMName) {
    guard let process = truth.processes[vm]?[name], let (request, deadline) = process.requests.first else { return }
    guard hosts.values.contains(where: { $0.machines[vm]?.state == .running }) else {
      // It sleeps with its machine; one that is off for good has no end to wait for.
      if !truth.off.contains(vm), now < .seconds(3600) { events.add(.process(vm, name), at: now + .seconds(2)) }
      return
    }
    truth.processes[vm]?[name]?.requests.removeFirst()
    if process.requests.count > 1 { events.add(.process(vm, name), at: soon(5...500) + process.lag) }
    if let deadline, deadline < now { return }
    if request == .suspend, process.refuses {
      publish(.response(PscomAnswer(request, isSuccess: false, details: "busy"), vm, process: name))
      return
    }
    if request == .suspend, !process.isSuspended { truth.processes[vm]?[name]?.suspensions += 1 }
    truth.processes[vm]?[name]?.isSuspended = request == .suspend
    note("process \(name) of \(vm): \(request.rawValue)")
    publish(.response(PscomAnswer(request), vm, process: name))
    publish(.processState(PscomProcessReport(request == .suspend ? .suspended : .running), vm, process: name))
  }

  mutating func endProcesses(of vm: VMName) {
    for name in (truth.processes[vm] ?? [:]).keys.sorted() { end(name, of: vm) }
  }

  mutating func end(_ process: String, of vm: VMName) {
    truth.processes[vm]?[process] = nil
    publish(.processState(nil, vm, process: process))
  }
}
