import Glibc
import Synchronization
import Testing

@testable import BlockingPool

@Suite("A pool of threads for calls that block")
struct BlockingPoolTests {
  struct Refused: Error, Equatable {}

  @Test("Work runs on a thread of the pool and its value comes back")
  func value() async {
    let pool = BlockingPool(name: "values", threads: 2)
    let name = await pool.run { currentThreadName() }
    #expect(name == "values-1")
    await pool.shutDown()
  }

  @Test("A long name is cut so that the number stays")
  func longName() async {
    let pool = BlockingPool(name: "a-rather-long-name", threads: 1)
    #expect(await pool.run { currentThreadName() } == "a-rather-long-1")
    await pool.shutDown()
  }

  @Test("What the work throws is thrown, with its type")
  func typedError() async {
    let pool = BlockingPool(name: "errors", threads: 1)
    do throws(Refused) {
      try await pool.run { () throws(Refused) in throw Refused() }
      Issue.record("it returned")
    } catch {
      #expect(error == Refused())
    }
    await pool.shutDown()
  }

  @Test("As many run at once as there are threads, and never more", arguments: [1, 2, 5])
  func bound(threads: Int) async {
    let pool = BlockingPool(name: "bound", threads: threads)
    let level = Level()
    // The first `threads` pieces wait for each other: they only end if they do run at once.
    let gate = Gate(parties: threads)
    await withTaskGroup { group in
      for _ in 0..<(threads * 20) {
        group.addTask {
          await pool.run {
            level.rise()
            gate.arriveAndWait()
            level.fall()
          }
        }
      }
    }
    #expect(level.highest == threads)
    #expect(pool.threadCount == threads)
    await pool.shutDown()
    #expect(pool.threadCount == 0)
  }

  @Test("Threads are made on demand: one after another needs one")
  func onDemand() async {
    let pool = BlockingPool(name: "demand", threads: 8)
    #expect(pool.threadCount == 0)
    for _ in 0..<50 {
      await pool.run {}
      // The thread reports before it lies down: only then is the next piece given to it rather than to a new one.
      while pool.idleCount == 0 { await Task.yield() }
    }
    #expect(pool.threadCount == 1)
    await pool.shutDown()
  }

  @Test("One thread keeps the order of arrival")
  func order() async {
    let pool = BlockingPool(name: "order", threads: 1)
    let seen = Mutex<[Int]>([])
    for number in 0..<500 {
      pool.submit { seen.withLock { $0.append(number) } }
    }
    await pool.shutDown()
    #expect(seen.withLock { $0 } == Array(0..<500))
  }

  @Test("Shutting down waits for what is queued")
  func shutDownDrains() async {
    let pool = BlockingPool(name: "drain", threads: 3)
    let done = Level()
    let gate = Gate(parties: 4)
    for _ in 0..<3 { pool.submit { gate.arriveAndWait() } }
    for _ in 0..<100 { pool.submit { done.rise() } }
    gate.arriveAndWait()
    await pool.shutDown()
    #expect(done.highest == 100)
    #expect(pool.threadCount == 0)
  }

  @Test("Work that comes after the end is done all the same, and leaves no thread behind")
  func lateWork() async {
    let pool = BlockingPool(name: "late", threads: 2)
    await pool.run {}
    await pool.shutDown()
    #expect(await pool.run { 42 } == 42)
    await #expect(throws: Refused.self) { try await pool.run { throw Refused() } }
    await pool.shutDown()
    #expect(pool.threadCount == 0)
  }

  @Test("A pool that nobody holds any more lets its threads go, after their work")
  func abandoned() async {
    let done = Level()
    var pool: BlockingPool? = BlockingPool(name: "orphan", threads: 2)
    let crew = pool?.crew
    for _ in 0..<20 { pool?.submit { done.rise() } }
    pool = nil
    await crew?.untilEmpty()
    #expect(done.highest == 20)
  }

  @Test("A signal to the process does not reach the pool's threads")
  func signals() async {
    let pool = BlockingPool(name: "signals", threads: 1)
    let blocked = await pool.run {
      var set = sigset_t()
      unsafe pthread_sigmask(SIG_BLOCK, nil, &set)
      return [SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGPIPE, SIGSEGV].map { signal in
        unsafe sigismember(&set, signal) == 1
      }
    }
    #expect(blocked == [true, true, true, true, true, false])
    await pool.shutDown()
  }
}

/// How many are inside, and how many ever were at once.
final class Level: Sendable {
  private let state = Mutex((now: 0, highest: 0))

  var highest: Int { state.withLock { $0.highest } }

  func rise() {
    state.withLock { state in
      state.now += 1
      state.highest = max(state.highest, state.now)
    }
  }

  func fall() { state.withLock { $0.now -= 1 } }
}

/// Lets nobody through until `parties` have come; whoever comes later passes.
final class Gate: Sendable {
  private let parties: Int
  private let arrived = Atomic(0)

  init(parties: Int) { self.parties = parties }

  func arriveAndWait() {
    arrived.add(1, ordering: .sequentiallyConsistent)
    while arrived.load(ordering: .sequentiallyConsistent) < parties { sched_yield() }
  }
}

func currentThreadName() -> String {
  let file = unsafe open("/proc/thread-self/comm", O_RDONLY)
  defer { close(file) }
  var name = [UInt8](repeating: 0, count: 16)
  let count = unsafe read(file, &name, name.count)
  return String(decoding: name.prefix(max(count - 1, 0)), as: UTF8.self)
}
