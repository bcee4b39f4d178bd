import MessageBus
import TestSupport
import Testing

@testable import Mosquitto

@Suite("Subscriptions") struct SubscriptionsTests {
  @Test("a renewal asks for every filter once")
  func renewal() {
    var all = Subscriptions<Int>(["a", "b", "a"])
    all.postpone(.init(filters: ["b", "c"], waiter: 1))
    #expect(all.renewal == ["a", "b", "c"])
    #expect(all.wanted == ["a", "b"], "what nobody has granted is no standing wish")
  }

  @Test("the answer to a renewal settles those who waited for it")
  func settle() throws {
    var all = Subscriptions<Int>(["a"])
    all.postpone(.init(filters: ["b"], waiter: 1))
    all.sentRenewal(all.renewal, id: 9)
    all.postpone(.init(filters: ["c"], waiter: 2))
    let answer = try unwrap(all.answered(id: 9, codes: [1, 1]))
    #expect(answer.isRenewal)
    #expect(answer.refused.isEmpty)
    #expect(answer.settled.map(\.waiter) == [1], "the other one came too late for it")
    #expect(all.wanted == ["a", "b"])
    #expect(all.renewal == ["a", "b", "c"])
    let isUnknown = all.answered(id: 9, codes: [1, 1]) == nil
    #expect(isUnknown)
  }

  @Test("a refused addition is told to its caller and not asked again")
  func refusedAddition() throws {
    var all = Subscriptions<Int>(["a"])
    all.sent(.init(filters: ["b", "c"], waiter: 1), id: 4)
    let answer = try unwrap(all.answered(id: 4, codes: [1, 135]))
    #expect(!answer.isRenewal)
    #expect(answer.settled.first?.refused?.filter == "c")
    #expect(answer.settled.first?.refused?.code == 135)
    #expect(all.renewal == ["a"])
  }

  @Test("a refused standing wish makes the renewal fail")
  func refusedRenewal() throws {
    var all = Subscriptions<Int>(["a", "b"])
    all.sentRenewal(all.renewal, id: 1)
    let answer = try unwrap(all.answered(id: 1, codes: [1, 0x87]))
    #expect(answer.isRenewal)
    #expect(answer.refused.map(\.filter) == ["b"])
    #expect(all.renewal == ["a", "b"])
  }

  @Test("a refused guest does not make the renewal fail")
  func refusedGuest() throws {
    var all = Subscriptions<Int>(["a"])
    all.postpone(.init(filters: ["b"], waiter: 1))
    all.sentRenewal(all.renewal, id: 1)
    let answer = try unwrap(all.answered(id: 1, codes: [1, 0x87]))
    #expect(answer.refused.isEmpty)
    #expect(answer.settled.first?.refused?.filter == "b")
    #expect(all.renewal == ["a"])
  }

  @Test("what a lost connection did not answer is asked again on the next")
  func lost() throws {
    var all = Subscriptions<Int>(["a"])
    all.sent(.init(filters: ["b"], waiter: 1), id: 4)
    all.connectionLost()
    let isUnknown = all.answered(id: 4, codes: [1]) == nil
    #expect(isUnknown, "an answer from another life")
    #expect(all.renewal == ["a", "b"])
    all.sentRenewal(all.renewal, id: 5)
    let answer = try unwrap(all.answered(id: 5, codes: [1, 1]))
    #expect(answer.settled.map(\.waiter) == [1])
    #expect(all.wanted == ["a", "b"])
  }

  @Test("giving up names everybody who waits")
  func removeWaiters() {
    var all = Subscriptions<Int>(["a"])
    all.postpone(.init(filters: ["b"], waiter: 1))
    all.sent(.init(filters: ["c"], waiter: 2), id: 4)
    check(all.removeWaiters().sorted(), is: [1, 2])
    check(all.removeWaiters(), is: [])
    #expect(all.renewal == ["a"])
  }
}
