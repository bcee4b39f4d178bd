import ClusterModel
import CoordinatorCore
import MigfraProtocol
import NodeWorkerCore
import VirtualTime

/// A cluster in virtual time: the real cores of the coordinator and of all workers; everything around them is played.
///
/// Equal seeds, equal histories. What is promised is looked at after every event.
public struct World {
  enum Happening: Sendable {
    case handOver(Client, String)
    case input(Client, life: Int, Input)
    /// A lane's next letter goes to the broker, or the broker has it.
    case post(Client, life: Int, Lane)
    case posted(Client, life: Int, Lane)
    case connect(Client)
    case will(Client, Int, Message.Content)
    case begin(Client)
    case step(Int)
    case jobEnds(Int)
    /// Nothing of it has moved for a while.
    case standsStill(Int)
    case look(HostName)
    case process(VMName, String)
    case client(Int)
    /// What a client does about this task of its own: pauses it, lets go on what it has paused, carries out what it has
    /// rehearsed.
    case followUp(TaskID)
    case send(Message.Content)
    case fault(Int)
    case powerReturns(HostName)
    case heals(Fault.Kind)
    case wakes(Int)
    case allHeals
  }

  public let seed: UInt64
  let size: Size
  let sabotage: Sabotage?
  let faults: [Fault]
  var generator: SeededGenerator
  public internal(set) var now = Duration.zero
  var events = EventQueue<Happening>()
  var bus = SimulatedBus()
  var hosts: [HostName: SimulatedHost] = [:]
  var workers: [HostName: Program<WorkerMachine>] = [:]
  var coordinator: Program<CoordinatorMachine>
  /// Tasks that came before everything that the broker had kept; nil: not any more.
  var early: [CoordinatorEvent]? = []
  /// Coordinators that stand still while another does their work.
  var sleepers: [Int: Sleeper] = [:]
  /// Machines on the storage that all hosts share.
  var images: [Image.Name: Image] = [:]
  var runs: [Int: Run] = [:]
  var runCount = 0
  var jobs: [Int: HypervisorJob] = [:]
  var jobCount = 0
  var wills: [Client: Int] = [:]
  var willCount = 0
  var truth = Truth()
  var isDoubling = false
  var isLosing = false
  var longestDelay = Duration.zero
  public internal(set) var history: [String] = []
  public internal(set) var broken: BrokenPromise?
  public internal(set) var struck = 0
  var eventCount = 0
  let keepsHistory: Bool

  /// How much happens.
  public struct Size: Sendable {
    public var hosts: ClosedRange<Int> = 3...6
    public var machinesPerHost: ClosedRange<Int> = 0...5
    public var tasks = 18
    public var faults: ClosedRange<Int> = 4...18
    public var jobPercent = 50
    /// Machines that say which job they take part in.
    public var labelPercent = 75

    public init() {}

    /// A cluster of this many hosts; in a large one more is asked for and more goes wrong, and few machines have jobs.
    public init(hosts: Int) {
      self.hosts = hosts...hosts
      guard hosts >= 100 else { return }
      machinesPerHost = 0...4
      tasks = max(tasks, hosts / 40)
      faults = max(4, hosts / 40)...max(18, hosts / 20)
      jobPercent = 1
      labelPercent = 1
    }
  }

  static let healing = Duration.seconds(300)

  /// - Parameter kept: the numbers of the faults that happen; nil: all.
  public init(
    seed: UInt64, size: Size = Size(), sabotage: Sabotage? = nil, keeping kept: Set<Int>? = nil,
    keepsHistory: Bool = false
  ) {
    self.seed = seed
    self.size = size
    self.sabotage = sabotage
    self.keepsHistory = keepsHistory
    generator = SeededGenerator(seed: seed)
    coordinator = Program(CoordinatorMachine(CoordinatorMachine.Configuration(epoch: 0)))
    var names: [HostName] = []
    var machines: [HostName: [Machine]] = [:]
    for number in 1...Int.random(in: size.hosts, using: &generator) {
      let name = HostName(rawValue: "n\(number)")
      names.append(name)
      var host = SimulatedHost(memory: Int.random(in: 6...14, using: &generator), cpus: 64)
      for index in 0..<Int.random(in: size.machinesPerHost, using: &generator) {
        let vm = VMName(rawValue: "v\(number)-\(index)")
        let memory = Int.random(in: 1...3, using: &generator)
        let machine = Machine(
          vm, memory: memory, isOff: generator.happens(8), isPersistent: generator.happens(85),
          label: generator.happens(size.labelPercent) ? generator.pick(["red", "red", "green"]) : nil)
        if host.used + machine.memory <= host.memory { host.machines[vm] = machine }
      }
      machines[name] = host.machines.values.sorted { $0.name < $1.name }
      hosts[name] = host
    }
    let vms = names.flatMap { machines[$0] ?? [] }.map(\.name)
    var tasks: [Duration] = []
    for _ in 0..<size.tasks { tasks.append(.milliseconds(Int.random(in: 3000...240_000, using: &generator))) }
    let drawn = Fault.draw(
      Int.random(in: size.faults, using: &generator), until: Self.healing, tasks: tasks, hosts: names,
      vms: vms + ["none"], &generator)
    faults = drawn
    struck = kept?.count ?? drawn.count
    for (index, fault) in drawn.enumerated() where kept?.contains(index) != false {
      events.add(.fault(index), at: fault.at)
    }
    truth.isOnlyCoordinated = generator.happens(35)
    for name in names {
      for machine in machines[name] ?? [] { begin(machine, on: name) }
      workers[name] = Program(WorkerMachine(configuration(of: name, life: 0)))
      events.add(.begin(.worker(name)), at: .milliseconds(Int.random(in: 0...500, using: &generator)))
    }
    events.add(.begin(.coordinator), at: .milliseconds(Int.random(in: 0...2000, using: &generator)))
    bus.open(.scheduler)
    for (number, task) in tasks.enumerated() { events.add(.client(number), at: task) }
    events.add(.allHeals, at: Self.healing)
  }

  /// Hosts by name, in an order that is always the same.
  var names: [HostName] { hosts.keys.sorted() }

  mutating func note(_ line: String) {
    guard keepsHistory else { return }
    let milliseconds = Int(now / .milliseconds(1))
    history.append("\(milliseconds / 1000).\(String(1000 + milliseconds % 1000).dropFirst()) s  \(line)")
  }

  /// Runs to the end, or to the first broken promise.
  public mutating func run() {
    while broken == nil, step() {}
    if broken == nil { checkEnd() }
  }

  /// Lets the next thing happen; false: nothing more will.
  mutating func step() -> Bool {
    guard let (at, happening) = events.next() else { return false }
    now = at
    eventCount += 1
    if eventCount > 200_000 * max(1, hosts.count / 20) { fail(.ends, "too much happens") }
    switch happening {
    case .handOver(let client, let topic): handOver(topic, to: client)
    case .input(let client, let life, let input): take(input, client, life)
    case .post(let client, let life, let lane): post(client, life, lane)
    case .posted(let client, let life, let lane): posted(client, life, lane)
    case .connect(let client): reconnect(client)
    case .will(let client, let number, let content):
      if wills[client] == number {
        wills[client] = nil
        publish(content)
      }
    case .begin(let client): begin(client)
    case .step(let run): proceed(run)
    case .jobEnds(let job): endJob(job)
    case .standsStill(let job): giveUp(job)
    case .look(let host): look(at: host)
    case .process(let vm, let process): proceed(process, of: vm)
    case .client(let number): sendTask(number)
    case .followUp(let task): followUp(task)
    case .send(let content): publish(content)
    case .fault(let index): strike(faults[index])
    case .powerReturns(let host): powerReturns(host)
    case .heals(let kind): heal(kind)
    case .wakes(let number): wake(number)
    case .allHeals: healAll()
    }
    check()
    return broken == nil
  }

  mutating func fail(_ promise: Promise, _ details: String) {
    guard broken == nil else { return }
    broken = BrokenPromise(promise: promise, details: details)
    note("BROKEN: \(promise.rawValue): \(details)")
  }

  /// Some time from now.
  mutating func soon(_ milliseconds: ClosedRange<Int>) -> Duration {
    now + .milliseconds(Int.random(in: milliseconds, using: &generator))
  }
}
