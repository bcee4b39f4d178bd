import ClusterModel
import MigfraProtocol
import VirtualTime

/// What schedulers and operators ask for.
extension World {
  mutating func sendTask(_ number: Int) {
    let id = TaskID(rawValue: "t\(number)")
    let host = names.randomElement(using: &generator) ?? "n1"
    let isDirect = !truth.isOnlyCoordinated && generator.happens(50)
    let (body, target) = isDirect ? directTask(on: host) : (clusterTask(on: host), host)
    var task = TaskMessage(id: id, host: target, body: body, measuresTime: generator.happens(20))
    if generator.happens(5) {
      task.notAfter = (1_000_000 + now.inSeconds).rounded() + Double(Int.random(in: 0...20, using: &generator))
    }
    let isByWorker = isDirect || generator.happens(40)
    switch body {
    case .evacuate(let wish) where wish.isDryRun: events.add(.followUp(id), at: soon(1000...30_000))
    case .evacuate, .restore, .rearrange:
      if generator.happens(20) { events.add(.followUp(id), at: soon(100...8000)) }
    default: break
    }
    send(task, id, to: target, isByWorker: isByWorker, isRepeated: generator.happens(15))
  }

  mutating func followUp(_ task: TaskID) {
    let id = TaskID(rawValue: "\(task)/next")
    let body: TaskMessage.Body
    switch truth.sent[task]?.task.body {
    case .pauseOperation(let target): body = .resumeOperation(target)
    case .evacuate(let wish) where wish.isDryRun:
      guard let plan = truth.answers[task]?.values.first?.plan else { return }
      body = .apply(plan)
    default:
      body = .pauseOperation(task)
      events.add(.followUp(id), at: soon(1000...60_000))
    }
    send(TaskMessage(id: id, body: body), id, to: "n1", isByWorker: false, isRepeated: generator.happens(15))
  }

  private mutating func send(
    _ task: TaskMessage, _ id: TaskID, to target: HostName, isByWorker: Bool, isRepeated: Bool
  ) {
    // As it is read by whoever gets it.
    let task = (try? TaskMessage.decode(task.encoded())) ?? task
    let content: Message.Content =
      isByWorker
      ? .task(task, target, ReplyRoute(topic: Topics.result(target)))
      : .coordinatorTask(task, ReplyRoute(topic: Topics.coordinatorResult))
    note("task \(id) to \(isByWorker ? target.rawValue : "the coordinator"): \(Self.text(task))")
    truth.sent[id] = (task, isByWorker ? .worker(target) : .coordinator)
    truth.sentOrder.append(id)
    publish(content)
    if isRepeated { events.add(.send(content), at: soon(1...90_000)) }
  }

  /// Anything that is there, where it is; at times not.
  private mutating func machine(on host: HostName) -> VMName {
    let here = (hosts[host]?.machines ?? [:]).keys.sorted()
    return generator.happens(95) ? here.randomElement(using: &generator) ?? "nobody" : "nobody"
  }

  private mutating func hook() -> HookProcesses? {
    generator.happens(60)
      ? (generator.happens(70) ? .announced : .count(Int.random(in: 1...3, using: &generator))) : nil
  }

  private mutating func clusterTask(on host: HostName) -> TaskMessage.Body {
    switch Int.random(in: 0..<20, using: &generator) {
    case 0: return .cordon(reason: "by hand")
    case 1, 2: return generator.happens(60) ? .restore(NodeRestore(way: travel())) : rearrangement()
    case 3: return .uncordon
    case 4...6: return .cancel(anyTask())
    case 7...12:
      let other = names.randomElement(using: &generator) ?? host
      var partner = SwapPartner(vm: machine(on: other))
      partner.hookProcesses = hook()
      var wish = VMMigration(
        vm: machine(on: host), destination: other, retries: Int.random(in: 0...3, using: &generator), partner: partner)
      wish.tuning.hookProcesses = hook()
      return .migrate(wish)
    default:
      var evacuation = NodeEvacuation(bestEffort: generator.happens(70), isDryRun: generator.happens(10))
      evacuation.mode = PlacementMode.allCases.randomElement(using: &generator)
      evacuation.retries = Int.random(in: 0...3, using: &generator)
      evacuation.tuning.hookProcesses = generator.happens(75) ? .announced : nil
      if generator.happens(20) { evacuation.migrationType = .offline }
      if generator.happens(25) { evacuation.destinations = names.filter { _ in generator.happens(60) } }
      if generator.happens(20) { evacuation.hosts = names.filter { _ in generator.happens(30) } }
      if generator.happens(15) {
        evacuation.deadline = Deadline(
          seconds: Int.random(in: 1...60, using: &generator), policy: generator.pick([.report, .warm]))
      }
      return .evacuate(evacuation)
    }
  }

  private mutating func anyTask() -> TaskID {
    TaskID(rawValue: "t\(Int.random(in: 0..<size.tasks, using: &generator))")
  }

  private mutating func travel() -> VMTravel {
    var way = VMTravel(retries: Int.random(in: 0...3, using: &generator))
    way.tuning.hookProcesses = hook()
    return way
  }

  private mutating func rearrangement() -> TaskMessage.Body {
    var moves: [VMRearrangement.Move] = []
    for host in names where generator.happens(70) {
      let vm = machine(on: host)
      guard let destination = names.randomElement(using: &generator), !moves.contains(where: { $0.vm == vm }) else {
        continue
      }
      moves.append(VMRearrangement.Move(vm: vm, destination: destination))
    }
    return .rearrange(VMRearrangement(moves, way: travel()))
  }

  private mutating func hold(of vm: VMName) -> JobHold {
    JobHold(vm: vm, processes: hook() ?? .announced, lease: Int.random(in: 1...90, using: &generator))
  }

  private mutating func directTask(on host: HostName) -> (TaskMessage.Body, HostName) {
    let vm = machine(on: host)
    switch Int.random(in: 0..<20, using: &generator) {
    case 0, 1: return (.suspend([vm]), host)
    case 2, 3: return (.resume([vm]), host)
    case 4: return (.stop([VMStop(vm: vm)]), host)
    case 5...7: return (.start([VMStart(source: .defined(vm), name: vm)]), host)
    case 8: return (generator.happens(60) ? .hold(hold(of: vm)) : .release(JobRelease(vm: vm)), host)
    case 9: return (.cancel(anyTask()), host)
    default:
      let destination = names.randomElement(using: &generator) ?? host
      var migration = VMMigration(
        vm: vm, destination: destination, type: generator.pick([.live, .live, .warm, .offline]),
        retries: Int.random(in: 0...3, using: &generator))
      migration.tuning.hookProcesses = hook()
      return (.migrate(migration), host)
    }
  }

  /// A message reaches a client.
  mutating func receive(_ message: Message, _ client: Client) {
    switch (client, message.content) {
    case (.coordinator, _): receiveAtCoordinator(message)
    case (.worker(let host), _): receive(message, worker: host)
    case (.agent(let vm), .request(let request, _, let process, let deadline)): receive(request, vm, process, deadline)
    case (.scheduler, .result(let result, _)): checkAnswer(result, message.number)
    default: break
    }
  }
}
