/// Threads of its own for C calls that block, so that such a call never holds up Swift's cooperative threads.
///
/// The cooperative pool has as many threads as the machine has processors: two calls that wait for a dead host would
/// stop a whole program on a small one. Here a call waits on a named thread that nobody else needs.
///
/// Threads are made when there is work for them, up to the limit, and then kept. Work is begun in order of arrival.
/// Cancelling a task does not take back work that it has queued: a C call that runs cannot be stopped from outside, and
/// what is queued may be the clean-up that somebody relies on.
///
/// **After `shutDown`** work is still carried out, never refused and never lost: on threads made for it that end as soon
/// as there is no more. What comes late is nearly always the end of something (a connection to close, a callback to take
/// back), and refusing it would leak what it wanted to free.
public final class BlockingPool: Sendable {
  let crew: Crew

  /// - Parameters:
  ///   - name: what debuggers and `top -H` show, followed by the thread's number; 15 bytes are all that Linux keeps,
  ///     the number included.
  ///   - threads: how many calls run at once, at least 1.
  public init(name: String, threads: Int) {
    crew = Crew(name: name, calls: threads, hasLane: false)
  }

  /// A pool whose threads also run `TaskLane`'s tasks.
  init(name: String, callsBesideLane calls: Int) {
    crew = Crew(name: name, calls: calls, hasLane: true)
  }

  deinit {
    crew.close()
  }

  /// Runs `body` on one of the pool's threads and returns, or throws, what it does.
  public func run<T: Sendable, E: Error>(_ body: @escaping @Sendable () throws(E) -> T) async throws(E) -> T {
    let result: Result<T, E> = await withCheckedContinuation { continuation in
      crew.add(call: { [crew] in
        let result = Result(catching: body)
        crew.endsCall()
        continuation.resume(returning: result)
      })
    }
    return try result.get()
  }

  /// Has `body` run on one of the pool's threads without waiting for it: for clean-up from a `deinit` or a callback.
  public func submit(_ body: @escaping @Sendable () -> Void) {
    crew.add(call: body)
  }

  /// Lets the queued work finish and the threads end; returns when the last one has.
  public func shutDown() async {
    crew.close()
    await crew.untilEmpty()
  }

  /// How many threads there are at this moment, busy or not: for tests and the curious.
  public var threadCount: Int { crew.threadCount }

  /// How many of them wait for work.
  var idleCount: Int { crew.idleCount }
}
