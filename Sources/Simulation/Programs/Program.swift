import ClusterModel
import CoordinatorCore
import MigfraProtocol
import NodeWorkerCore

/// What a program has on its disk.
struct SimulatedJournal: Sendable {
  struct Record: Sendable {
    var task: TaskMessage
    var arrival: TaskArrival
    var answer: TaskResult?
    var isSettled = false
  }

  private(set) var records: [Int64: Record] = [:]
  private var sequence: Int64 = 0
  var jobs: [VMName: SuspendedJob] = [:]
  var operations: [PlanID: SavedOperation] = [:]
  var nodes: [HostName: NodeReport] = [:]
  var newestCoordinator: Epoch = 0
  var origins: [String: HostName] = [:]

  mutating func receive(_ task: TaskMessage, _ route: ReplyRoute) -> TaskArrival {
    sequence += 1
    var arrival = TaskArrival(sequence: sequence, route: route)
    let taken = arrival
    arrival.isRecalled = true
    records[sequence] = Record(task: task, arrival: arrival)
    return taken
  }

  mutating func answer(_ arrival: TaskArrival, _ result: TaskResult) {
    records[arrival.sequence]?.answer = result
  }

  mutating func settle(_ arrival: TaskArrival) {
    records[arrival.sequence]?.isSettled = true
  }

  mutating func forgetAnswers() {
    for key in records.keys where records[key]?.isSettled == true { records[key] = nil }
  }

  mutating func forgetOpen() {
    for (key, record) in records where record.answer == nil && !record.isSettled { records[key] = nil }
    operations = [:]
  }

  /// In order of arrival; finished ones first, as the real one tells them.
  var recalled: (open: [Record], finished: [Record]) {
    let all = records.sorted { $0.key < $1.key }.map(\.value)
    return (all.filter { !$0.isSettled }, all.filter(\.isSettled))
  }
}

/// Something that a program says, in the order of its lane.
enum Letter: Sendable {
  case say(Message.Content)
  case answer(TaskResult, TaskArrival)
  case order(TaskMessage, HostName)
  case handOver(TaskMessage)
  case requests(PscomRequest, SuspendedJob)
}

/// Letters of one lane wait for each other.
enum Lane: Int, CaseIterable, Sendable {
  case letters, requests, reports
}

/// One program of the project: its core, its journal, and what its shell has under way.
struct Program<Core: Sendable>: Sendable {
  var core: Core
  var journal = SimulatedJournal()
  var isUp = false
  /// Which of its lives this is; its epoch.
  var life = 0
  var began = Duration.zero
  /// Seconds that its machine's clock is wrong by.
  var clockError = 0.0
  /// Effects until it is killed; nil: it is not.
  var effectsLeft: Int?
  var isPartitioned = false
  var hasFullDisk = false
  var lanes: [[Letter]] = Lane.allCases.map { _ in [] }
  /// The letter at the head is on its way to the broker.
  var isSending: [Bool] = Lane.allCases.map { _ in false }
  /// When the last input is taken.
  var lastInput = Duration.zero
  var deaths = 0

  init(_ core: Core) {
    self.core = core
  }

  func moment(_ now: Duration) -> Moment {
    Moment(uptime: now - began, unixTime: 1_000_000 + now.inSeconds + clockError)
  }

  /// The next life, with nothing but the journal.
  mutating func begin(_ core: Core, at now: Duration) {
    self.core = core
    isUp = true
    began = now
    lanes = Lane.allCases.map { _ in [] }
    isSending = Lane.allCases.map { _ in false }
    effectsLeft = nil
  }
}

/// What a program's loop takes.
enum Input: Sendable {
  case worker(WorkerEvent)
  case coordinator(CoordinatorEvent)
  case connected
}
