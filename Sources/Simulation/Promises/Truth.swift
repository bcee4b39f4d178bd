import ClusterModel
import MigfraProtocol

/// What only the simulation knows: what was wanted, and what has become of it.
struct Truth: Sendable {
  /// Machines that are off by a stop task or for want of power, or have never run.
  var off: Set<VMName> = []
  var machines: [VMName] = []
  /// Nobody but the coordinator moves, starts or stops anything.
  var isOnlyCoordinated = false
  var hasChanged = true
  /// How long a program stays away after its death.
  var absences: [Client: Duration] = [:]
  /// What the coordinator has said of hosts.
  var nodes: [HostName: NodeReport.State] = [:]
  /// Orders that were sent.
  var orders: Set<TaskID> = []
  var processes: [VMName: [String: JobProcess]] = [:]

  /// Orders that came to a host from an older coordinator than the newest that its worker knew, and from no newer one.
  var voidOrders: [HostName: Set<TaskID>] = [:]
  /// Orders that came to it otherwise.
  var validOrders: [HostName: Set<TaskID>] = [:]

  /// Machines that a client wanted moved on before their last migration was answered: two workers speak to their jobs.
  var contended: Set<VMName> = []

  /// Gangs that are under way, by plan and job: how often each process of their machines had been suspended before, and what
  /// had been disturbed.
  var gangs: [String: (vms: [VMName], before: [String: Int], disturbances: Int)] = [:]
  /// What may end a hold, or have it begun anew.
  var disturbances = 0

  /// Since when machines have been in two places, not counting those that are on their way.
  var doubled: [VMName: Duration] = [:]
  /// Until when others were, for longer than a moment.
  var formerlyDoubled: [VMName: Duration] = [:]

  // Tasks of clients, and their answers.
  var sent: [TaskID: (task: TaskMessage, client: Client)] = [:]
  var sentOrder: [TaskID] = []
  /// How often it reached its program.
  var received: [TaskID: Int] = [:]
  /// Tasks that a program could not write down.
  var unwritten: Set<TaskID> = []
  /// By the number of their publication.
  var answers: [TaskID: [Int: TaskResult]] = [:]
  /// After each of which what the broker had not confirmed is said again.
  var disconnections = 0
}

/// One process of a job; it knows what it has done.
struct JobProcess: Sendable {
  var isSuspended = false
  /// How often it was.
  var suspensions = 0
  var refuses = false
  /// How long it takes.
  var lag = Duration.zero
  var requests: [(request: PscomRequest, deadline: Duration?)] = []
}
