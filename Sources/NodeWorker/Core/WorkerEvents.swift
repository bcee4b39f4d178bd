public import ClusterModel
public import MigfraProtocol

/// What a look at the hypervisor shows.
public struct HostInventory: Sendable, Equatable {
  public var capacity: HostCapacity
  /// "QEMU 7.2.22"
  public var hypervisor: String
  public var vms: [VirtualMachine]

  public init(capacity: HostCapacity, hypervisor: String, vms: [VirtualMachine]) {
    self.capacity = capacity
    self.hypervisor = hypervisor
    self.vms = vms
  }
}

/// What the worker is told.
public enum WorkerEvent: Sendable {
  /// The bus's connection stands: everybody shall know.
  case busConnected
  case taskReceived(TaskMessage, TaskArrival)
  case taskUnreadable(UnreadableTask, TaskArrival)
  /// The journal could not take it, for this reason: it must not be carried out.
  case taskUnwritten(TaskMessage, TaskArrival, cause: String)
  case inventoryTaken(HostInventory)
  case hypervisorLost(String)
  case operationFinished(OperationID, OperationOutcome)
  case migrationProgressed(OperationID, MigrationProgress)
  case coordinatorReported(CoordinatorReport)
  /// The coordinator's answer to a task that was handed over.
  case coordinatorAnswered(TaskResult)
  /// No coordinator listens to its tasks.
  case handOverUndeliverable(TaskID)
  /// A process of a job has answered.
  case processAnswered(VMName, process: String, PscomAnswer)
  /// What an agent says of a process; nil: it has ended.
  case processReported(VMName, process: String, PscomProcessReport?)
  /// The job is on disk; otherwise why not.
  case jobRemembered(SuspendedJob, flaw: String?)
  /// The broker has the requests to a machine's processes.
  case processesAsked(VMName, PscomRequest)
  /// Everything that was to be said before the end has been delivered.
  case everythingSaid
  /// What the last incarnation left has been told.
  case recallEnded
  /// Everything that the broker had kept has come.
  case caughtUp
  case timerFired(WorkerTimer)
}

/// What the worker wants done.
public enum WorkerEffect: Sendable, Equatable {
  case perform(OperationID, Operation)
  /// Ends an operation that is being performed, if that can be; it tells its end as ever.
  case abort(OperationID)
  /// On disk; `jobRemembered` tells.
  case rememberJob(SuspendedJob)
  case forgetJob(VMName)
  case askProcesses(PscomRequest, SuspendedJob)
  /// The newest coordinator that is known: on disk, so that no older one is obeyed after a restart.
  case rememberCoordinator(Epoch)
  /// The one answer to a task: on disk first, then to the bus.
  case answer(TaskResult, TaskArrival)
  /// The task needs no answer of its own: it repeats one that will get it.
  case forget(TaskArrival)
  case announce(HostReport)
  /// Have the broker send something back: `caughtUp` tells when it has come.
  case echo
  case publishProgress(MigrationProgress)
  /// To the coordinator; its answer comes to our reply topic.
  case handOver(TaskMessage)
  case setTimer(WorkerTimer, after: Duration)
  case note(Note)
  /// Tell when everything that was said before is delivered.
  case finishSaying
  /// The program ends.
  case stop
}

/// Timers are named for what they are about; one that fires too late changes nothing.
public enum WorkerTimer: Sendable, Hashable {
  case retry(OperationID)
  /// The processes of the machine's job have had their time.
  case processPatience(VMName, generation: Int)
  /// What holds the machine's job has not been renewed.
  case lease(VMName, generation: Int)
  /// The coordinator has had its time to appear, or to come back.
  case coordinatorPatience(epoch: Epoch?)
}
