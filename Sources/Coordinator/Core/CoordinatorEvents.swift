public import ClusterModel
public import MigfraProtocol

/// What the coordinator is told.
public enum CoordinatorEvent: Sendable {
  /// A task for the cluster, or one that a worker has handed over.
  case taskReceived(TaskMessage, from: TaskArrival)
  case taskUnreadable(UnreadableTask, from: TaskArrival)
  case hostReported(HostReport)
  /// A worker's answer to one of our tasks.
  case workerAnswered(TaskResult, from: HostName)
  /// Nobody has ever subscribed to the host's task topic.
  case taskUndeliverable(TaskID, to: HostName)
  case migrationProgressed(MigrationProgress)
  case timerFired(CoordinatorTimer)
  /// What an earlier incarnation had published; comes before everything else.
  case nodeRecalled(NodeReport)
  case planRecalled(PlanReport)
  /// Where machines belong, by UUID.
  case originsRecalled([String: HostName])
  /// Everything that the broker had kept has come.
  case caughtUp
}

/// What the coordinator wants done.
public enum CoordinatorEffect: Sendable, Equatable {
  /// On disk before what follows, all or none: what one has let go of another may have taken.
  case save([SavedOperation])
  /// The operation has ended, and its answer is on disk.
  case drop(PlanID)
  case send(TaskMessage, to: HostName)
  case answer(TaskResult, to: TaskArrival)
  /// The task needs no answer of its own: it repeats one that will get it.
  case forget(TaskArrival)
  case publishPlan(PlanReport)
  /// Clears the plan's topic.
  case forgetPlan(PlanID)
  case publishNode(NodeReport)
  /// The machines with these UUIDs belong on the host; on disk before what follows.
  case keepOrigins([String], HostName)
  case forgetOrigins([String])
  case setTimer(CoordinatorTimer, after: Duration)
  /// `caughtUp` is wanted when everything has come that the broker has for us now.
  case readUp
  /// Something an operator should find in the log.
  case note(Note)
}

/// Timers are named for what they are about; one that fires too late changes nothing.
public enum CoordinatorTimer: Sendable, Hashable {
  /// The pause before the next attempt to move the machine with this UUID is over.
  case retry(PlanID, String, generation: Int)
  /// A worker has been offline for as long as we wait for it.
  case workerLost(HostName, epoch: Epoch)
  /// Holds of a job's machines are to be renewed.
  case renewHolds(PlanID, JobName)
  /// The evacuation should be over.
  case deadline(PlanID)
  /// Reports should have caught up with answers.
  case settle(PlanID)
  /// Progress is published at most this often.
  case publish(PlanID)
  /// A machine's memory should be nearly copied, and its link free for the next one.
  case linkFree
  /// Hosts have contradicted each other about a machine for long enough.
  case strays
}
