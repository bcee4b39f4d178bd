import BlockingPool
import Testing

@Suite("One thread for all tasks")
struct TaskThreadTests {
  @Test("tasks that wake each other run on it, and not on Swift's own threads")
  func sameThread() async {
    let (numbers, feed) = AsyncStream.makeStream(of: Int.self)
    let threads = await withTaskExecutorPreference(TaskThread(name: "tasks")) {
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
          }
          feed.finish()
          return threads
        }
        return await group.reduce(into: Set<String>()) { $0.formUnion($1) }
      }
    }
    #expect(threads == ["tasks-1"])
  }

  @Test("what waits elsewhere comes back to it, and so does what was begun at once")
  func comesBack() async {
    let pool = BlockingPool(name: "calls", threads: 1)
    let thread = TaskThread(name: "tasks")
    let names = await withTaskExecutorPreference(thread) {
      let task = Task.immediate(executorPreference: thread) {
        await pool.run {}
        return currentThreadName()
      }
      let within = await pool.run { currentThreadName() }
      return [within, currentThreadName(), await task.value]
    }
    #expect(names == ["calls-1", "tasks-1", "tasks-1"])
    await pool.shutDown()
  }
}
