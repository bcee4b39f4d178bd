import Glibc
import Synchronization

/// The threads of a `BlockingPool` and the work that waits for them.
///
/// Outlives the pool object by as long as its last thread runs.
final class Crew: Sendable {
  private struct State {
    var queue = WorkQueue()
    /// Threads that exist or are about to.
    var threads = 0
    /// Threads that sleep on `bell` and have not been promised a ring.
    var idle = 0
    /// Numbers given to threads so far.
    var numbered = 0
    var isClosed = false
    var watchers: [CheckedContinuation<Void, Never>] = []
  }

  private enum Step {
    case work(@Sendable () -> Void)
    case sleep
    case leave([CheckedContinuation<Void, Never>])
  }

  private enum Hands {
    case wake, hire(Int), busy
  }

  private let name: String
  private let limit: Int
  private let state = Mutex(State())
  /// Rung once for each thread that is taken off `idle`.
  private let bell = Bell()

  init(name: String, limit: Int) {
    self.name = name
    self.limit = max(limit, 1)
  }

  var threadCount: Int { state.withLock { $0.threads } }
  var idleCount: Int { state.withLock { $0.idle } }

  func add(_ work: @escaping @Sendable () -> Void) {
    let hands: Hands = state.withLock { state in
      state.queue.append(work)
      if state.idle > 0 {
        state.idle -= 1
        return .wake
      }
      guard state.threads < limit else { return .busy }
      state.threads += 1
      state.numbered += 1
      return .hire(state.numbered)
    }
    switch hands {
    case .wake: bell.ring()
    case .hire(let number): hire(number)
    case .busy: break
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
    while true {
      switch next(mayWait: mayWait) {
      case .work(let work): work()
      case .sleep: bell.wait()
      case .leave(let watchers):
        for watcher in watchers { watcher.resume() }
        return
      }
    }
  }

  private func next(mayWait: Bool) -> Step {
    state.withLock { state in
      if let work = state.queue.popFirst() { return .work(work) }
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
