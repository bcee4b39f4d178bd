import BlockingPool
import Testing

@Suite("One lane for all tasks")
struct TaskLaneTests {
  @Test("tasks that wake each other, and the calls of one that is alone, run on the same thread")
  func sameThread() async {
    let lane = TaskLane(name: "lane", calls: 4)
    let (numbers, feed) = AsyncStream.makeStream(of: Int.self)
    let threads = await withTaskExecutorPreference(lane) {
      await withTaskGroup(of: Set<String>.self) { group in
        group.addTask {
          var threads: Set<String> = []
          for await _ in numbers { threads.insert(currentThreadName()) }
          return threads
        }
        group.addTask {
          var threads: Set<String> = []
          for number in 0..<1000 {
            feed.yield(number)
            await Task.yield()
            threads.insert(currentThreadName())
            threads.insert(await lane.calls.run { currentThreadName() })
          }
          feed.finish()
          return threads
        }
        return await group.reduce(into: Set<String>()) { $0.formUnion($1) }
      }
    }
    // A second one may be woken at the start, when two tasks are added from outside.
    #expect(threads.isSubset(of: ["lane-1", "lane-2"]), "\(threads)")
    await lane.calls.shutDown()
  }

  @Test("calls that block hold up no task, and as many of them run at once as was said", arguments: [1, 3])
  func blockedCalls(limit: Int) async {
    let lane = TaskLane(name: "lane", calls: limit)
    let level = Level()
    let gate = Gate(parties: limit)
    await withTaskExecutorPreference(lane) {
      await withTaskGroup { group in
        for _ in 0..<limit * 5 {
          group.addTask {
            await lane.calls.run {
              level.rise()
              // Ends only when as many are here, for which tasks must have gone on.
              gate.arriveAndWait()
              level.fall()
            }
          }
        }
      }
    }
    #expect(level.highest == limit)
    #expect(lane.calls.threadCount <= limit + 1)
    await lane.calls.shutDown()
    #expect(lane.calls.threadCount == 0)
  }

  @Test("of tasks never two run at once, whatever calls they make")
  func oneAtATime() async {
    let lane = TaskLane(name: "lane", calls: 4)
    let level = Level()
    let count = Level()
    await withTaskExecutorPreference(lane) {
      await withTaskGroup { group in
        for _ in 0..<50 {
          group.addTask {
            for _ in 0..<100 {
              level.rise()
              level.fall()
              await lane.calls.run { count.rise() }
            }
          }
        }
      }
    }
    #expect(level.highest == 1)
    #expect(count.highest == 5000)
    await lane.calls.shutDown()
  }

  @Test("a call that ends for a task elsewhere, and one that nobody waits for, wake whom they must")
  func strangers() async {
    let lane = TaskLane(name: "lane", calls: 2)
    for _ in 0..<1000 {
      let name = await lane.calls.run { currentThreadName() }
      #expect(name.hasPrefix("lane-"))
      let isDone = await withCheckedContinuation { continuation in
        lane.calls.submit { continuation.resume(returning: true) }
      }
      #expect(isDone)
      let number = await Task(executorPreference: lane) { await lane.calls.run { 7 } }.value
      #expect(number == 7)
    }
    await lane.calls.shutDown()
  }

  @Test("what was begun at once comes back to it")
  func comesBack() async {
    let pool = BlockingPool(name: "calls", threads: 1)
    let lane = TaskLane(name: "lane", calls: 1)
    let names = await withTaskExecutorPreference(lane) {
      let task = Task.immediate(executorPreference: lane) {
        await pool.run {}
        return currentThreadName()
      }
      let within = await pool.run { currentThreadName() }
      return [within, currentThreadName(), await task.value]
    }
    #expect(names[0] == "calls-1" && names[1...].allSatisfy { $0.hasPrefix("lane-") }, "\(names)")
    await pool.shutDown()
  }
}
