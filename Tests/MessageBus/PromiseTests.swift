import MessageBus
import Testing

@Suite("Promise") struct PromiseTests {
  @Test("the first value stays")
  func first() async {
    let promise = Promise<Int>()
    #expect(!promise.isKept)
    promise.keep(1)
    promise.keep(2)
    #expect(promise.isKept)
    #expect(await promise.value() == 1)
  }

  @Test("everybody who waits gets the value")
  func waiters() async {
    let promise = Promise<Int>()
    await withTaskGroup(of: Int.self) { group in
      for _ in 0..<50 { group.addTask { await promise.value() } }
      group.addTask {
        promise.keep(7)
        return 7
      }
      for await value in group { #expect(value == 7) }
    }
  }

  @Test("a reply and a cancellation may race")
  func race() async {
    for _ in 0..<500 {
      let promise = Promise<Result<Int, BusError>>()
      let waiting = Task { try await promise.outcome(orWhenCancelled: BusError(.cancelled, "cancelled")) }
      async let kept: Void = promise.keep(.success(1))
      waiting.cancel()
      await kept
      switch await waiting.result {
      case .success(let value): #expect(value == 1)
      case .failure(let error): #expect((error as? BusError)?.code == .cancelled)
      }
    }
  }
}
