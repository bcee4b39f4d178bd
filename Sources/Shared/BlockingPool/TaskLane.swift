/// All tasks of a program that does little but wait for others, one at a time, and the calls that they wait for.
///
/// On Swift's own pool, a task that wakes another one mostly wakes another thread for it. Where processors sleep between two
/// messages that takes longer than what the task has to do; here it runs next, on the same thread. So does a call of
/// `calls` that a task makes, if no other task has anything to do meanwhile; otherwise another thread goes on with those.
///
///     let lane = TaskLane(name: "worker", calls: 4)
///     try await withTaskExecutorPreference(lane) { … try await lane.calls.run { … } … }
///
/// Tasks must not block it: what blocks belongs on `calls`.
public final class TaskLane: TaskExecutor {
  /// For what blocks.
  public let calls: BlockingPool

  /// - Parameters:
  ///   - name: as for `BlockingPool`.
  ///   - calls: how many run at once.
  public init(name: String, calls: Int) {
    self.calls = BlockingPool(name: name, callsBesideLane: calls)
  }

  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    calls.crew.add(job: { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) })
  }
}
