import MessageBus
import TestSupport
import Testing

@testable import Mosquitto

@Suite("Outbox") struct OutboxTests {
  private func entry(_ name: Int, bytes: Int = 10) -> Outbox<Int>.Entry {
    .init(message: BusMessage(topic: "t", payload: Array(repeating: 0, count: bytes - 1)), waiter: name, deadline: nil)
  }

  @Test("messages leave in the order of their arrival and are acknowledged in any")
  func order() {
    var outbox = Outbox<Int>(messageLimit: 10, byteLimit: 1000)
    for name in 1...3 { check(outbox.add(entry(name)), is: true) }
    var left: [Int] = []
    while let entry = outbox.next() {
      left.append(entry.waiter)
      check(outbox.sent(entry, id: Int32(entry.waiter) + 100)?.waiter, is: nil)
    }
    #expect(left == [1, 2, 3])
    #expect(outbox.count == 3)
    check(outbox.acknowledged(102)?.waiter, is: 2)
    check(outbox.acknowledged(102)?.waiter, is: nil, "a second acknowledgement means nobody")
    check(outbox.acknowledged(101)?.waiter, is: 1)
    check(outbox.acknowledged(103)?.waiter, is: 3)
    #expect(outbox.count == 0)
    #expect(outbox.bytes == 0)
  }

  @Test("there is no room beyond either limit, and room again after an acknowledgement")
  func limits() throws {
    var outbox = Outbox<Int>(messageLimit: 3, byteLimit: 25)
    check(outbox.add(entry(1)), is: true)
    check(outbox.add(entry(2)), is: true)
    check(outbox.add(entry(3)), is: false, "30 bytes")
    check(outbox.add(entry(3, bytes: 5)), is: true)
    check(outbox.add(entry(4, bytes: 1)), is: false, "4 messages")
    let first = try unwrap(outbox.next())
    check(outbox.add(entry(4, bytes: 1)), is: false, "still there until it is sent or dropped")
    _ = outbox.sent(first, id: 7)
    check(outbox.add(entry(4, bytes: 1)), is: false, "still there until it is acknowledged")
    check(outbox.acknowledged(7)?.waiter, is: 1)
    check(outbox.add(entry(4)), is: true)
  }

  @Test("a single message larger than the limit has room when nothing else is there")
  func large() throws {
    var outbox = Outbox<Int>(messageLimit: 3, byteLimit: 25)
    check(outbox.add(entry(1, bytes: 100)), is: true)
    check(outbox.add(entry(2, bytes: 1)), is: false)
    let entry = try unwrap(outbox.next())
    outbox.dropped(entry)
    #expect(outbox.bytes == 0)
    #expect(outbox.count == 0)
  }

  @Test("an id that comes round before its acknowledgement gives up the older message")
  func wrapAround() throws {
    var outbox = Outbox<Int>(messageLimit: 3, byteLimit: 100)
    for name in 1...2 { _ = outbox.add(entry(name)) }
    let first = try unwrap(outbox.next())
    check(outbox.sent(first, id: 5)?.waiter, is: nil)
    let second = try unwrap(outbox.next())
    check(outbox.sent(second, id: 5)?.waiter, is: 1)
    #expect(outbox.count == 1)
    #expect(outbox.bytes == 10)
    check(outbox.acknowledged(5)?.waiter, is: 2)
  }

  @Test("giving up names everybody who waits")
  func removeAll() throws {
    var outbox = Outbox<Int>(messageLimit: 9, byteLimit: 1000)
    for name in 1...4 { _ = outbox.add(entry(name)) }
    for id: Int32 in 1...2 { _ = outbox.sent(try unwrap(outbox.next()), id: id) }
    check(outbox.removeAll().sorted(), is: [1, 2, 3, 4])
    #expect(outbox.count == 0)
    #expect(outbox.bytes == 0)
    let isEmpty = outbox.next() == nil
    #expect(isEmpty)
    check(outbox.acknowledged(1)?.waiter, is: nil)
  }
}
