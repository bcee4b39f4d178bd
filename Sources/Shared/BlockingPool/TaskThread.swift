/// One thread for all tasks of a program that does little but wait for others.
///
/// On Swift's own pool, a task that wakes another one mostly wakes another thread for it. Where processors sleep between two
/// messages that takes longer than what the task has to do; here it runs next, on the same thread.
///
///     try await withTaskExecutorPreference(TaskThread(name: "worker")) { … }
///
/// Tasks must not block it: what blocks belongs on a `BlockingPool`.
public final class TaskThread: TaskExecutor {
  private let thread: BlockingPool

  /// - Parameter name: as for `BlockingPool`.
  public init(name: String) {
    thread = BlockingPool(name: name, threads: 1)
  }

  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    thread.submit { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
