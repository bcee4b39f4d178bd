import Glibc
import Synchronization

/// The threads of a `BlockingPool` and the work that waits for them.
///
/// Outlives the pool object by as long as its last thread runs.
final class Crew: Sendable {
  typealias Work = WorkQueue.Work

  private struct State {
    var work: WorkInHand
    /// Threads that exist or are about to.
    var threads = 0
    /// Threads that sleep on `bell` and have not been promised a ring.
    var idle = 0
    /// Numbers given to threads so far.
    var numbered = 0
    /// Threads that will look for work in a moment: what they add needs nobody else to be woken.
    var returning: [pthread_t] = []
    var isClosed = false
    var watchers: [CheckedContinuation<Void, Never>] = []
  }

  private enum Step {
    /// Do it, and see to it that somebody takes what is left.
    case work(WorkInHand.Item, Hands)
    case sleep
    case leave([CheckedContinuation<Void, Never>])
  }

  private enum Hands {
    case wake, hire(Int), enough
  }

  private let name: String
  private let limit: Int
  private let state: Mutex<State>
  /// Rung once for each thread that is taken off `idle`.
  private let bell = Bell()

  /// - Parameters:
  ///   - calls: how many run at once, at least 1.
  ///   - hasLane: whether there are jobs too, for which there is one thread more.
  init(name: String, calls: Int, hasLane: Bool) {
    let calls = max(calls, 1)
    self.name = name
    limit = calls + (hasLane ? 1 : 0)
    state = Mutex(State(work: WorkInHand(calls: calls)))
  }

  var threadCount: Int { state.withLock { $0.threads } }
  var idleCount: Int { state.withLock { $0.idle } }

  /// Calls may block; as many run at once as the crew was made for.
  func add(call: @escaping Work) {
    add { $0.calls.append(call) }
  }

  /// Jobs do not block; they run one after another.
  func add(job: @escaping Work) {
    add { $0.jobs.append(job) }
  }

  private func add(_ append: (inout WorkInHand) -> Void) {
    let missing: Hands = state.withLock { state in
      append(&state.work)
      return state.returning.contains(pthread_self()) ? .enough : hands(&state)
    }
    provide(missing)
  }

  /// Says, on a thread of the crew, that its call is done but for telling who waits for it.
  func endsCall() {
    state.withLock { $0.returning.append(pthread_self()) }
  }

  private func hands(_ state: inout State) -> Hands {
    guard state.work.isWaiting else { return .enough }
    if state.idle > 0 {
      state.idle -= 1
      return .wake
    }
    guard state.threads < limit else { return .enough }
    state.threads += 1
    state.numbered += 1
    return .hire(state.numbered)
  }

  private func provide(_ hands: Hands) {
    switch hands {
    case .wake: bell.ring()
    case .hire(let number): hire(number)
    case .enough: break
    }
  }

  /// No thread waits for work any longer; what is queued is still done.
  func close() {
    let sleepers = state.withLock { state in
      state.isClosed = true
      defer { state.idle = 0 }
      return state.idle
    }
    for _ in 0..<sleepers { bell.ring() }
  }

  /// Returns when there is no thread. Only useful after `close`.
  func untilEmpty() async {
    await withCheckedContinuation { continuation in
      let isEmpty = state.withLock { state in
        guard state.threads > 0 else { return true }
        state.watchers.append(continuation)
        return false
      }
      if isEmpty { continuation.resume() }
    }
  }

  private func hire(_ number: Int) {
    let suffix = "-\(number)"
    let title = String(decoding: name.utf8.prefix(15 - suffix.utf8.count), as: UTF8.self) + suffix
    if DetachedThread.start(named: title, { self.serve() }) { return }
    // The system has no thread for us. Others of the crew take the work when they are done with theirs; if there are
    // none, it is better done on the caller's thread than never.
    let isAlone = state.withLock { state in
      guard state.threads == 1 else {
        state.threads -= 1
        return false
      }
      return true
    }
    if isAlone { serve(mayWait: false) }
  }

  /// A thread's life: work, sleep, work, until the pool is closed and nothing is left.
  private func serve(mayWait: Bool = true) {
    var done: WorkInHand.Item?
    while true {
      switch next(after: done, mayWait: mayWait) {
      case .work(let item, let hands):
        provide(hands)
        item.work()
        done = item
      case .sleep:
        bell.wait()
        done = nil
      case .leave(let watchers):
        for watcher in watchers { watcher.resume() }
        return
      }
    }
  }

  private func next(after done: WorkInHand.Item?, mayWait: Bool) -> Step {
    state.withLock { state in
      if let done {
        state.work.ended(done)
        state.returning.removeAll { $0 == pthread_self() }
      }
      if let item = state.work.begin() {
        if item.isJob { state.returning.append(pthread_self()) }
        return .work(item, hands(&state))
      }
      if mayWait, !state.isClosed {
        state.idle += 1
        return .sleep
      }
      state.threads -= 1
      guard state.isClosed, state.threads == 0 else { return .leave([]) }
      defer { state.watchers = [] }
      return .leave(state.watchers)
    }
  }
}
