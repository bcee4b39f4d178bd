import MessageBus

/// The messages that the broker has not acknowledged yet, bounded in number and bytes.
///
/// We keep messages ourselves until the connection stands. libmosquitto would queue them too, but without bound, and
/// what is published to it while it connects goes out before CONNECT (the broker then hangs up) or gets stuck until
/// the connection after the next.
///
///     add -> waiting -- next, sent --> inFlight -- acknowledged --> (gone)
struct Outbox<Waiter: Sendable>: Sendable {
  struct Entry: Sendable {
    let message: BusMessage
    let waiter: Waiter
    /// When the message is no longer worth sending.
    let deadline: ContinuousClock.Instant?
    var bytes: Int { message.topic.utf8.count + message.payload.count }
  }

  let messageLimit: Int
  let byteLimit: Int
  private var waiting = Fifo<Entry>()
  private var inFlight: [Int32: Entry] = [:]
  private(set) var bytes = 0

  init(messageLimit: Int, byteLimit: Int) {
    self.messageLimit = messageLimit
    self.byteLimit = byteLimit
  }

  var count: Int { waiting.count + inFlight.count }

  /// Takes a message in; false if there is no room for it. A single message larger than the limit has room when
  /// nothing else is there.
  mutating func add(_ entry: Entry) -> Bool {
    guard count < messageLimit, count == 0 || bytes + entry.bytes <= byteLimit else { return false }
    bytes += entry.bytes
    waiting.append(entry)
    return true
  }

  /// Takes the oldest message that waits, to be handed to the library: `sent` or `dropped` must follow.
  mutating func next() -> Entry? {
    waiting.popFirst()
  }

  /// The library has the message under this id.
  /// - Returns: the message that waits under the same id for an acknowledgement that will not come any more (ids are
  ///   16 bits wide and come round).
  mutating func sent(_ entry: Entry, id: Int32) -> Entry? {
    let former = inFlight.updateValue(entry, forKey: id)
    bytes -= former?.bytes ?? 0
    return former
  }

  /// The library does not want the message.
  mutating func dropped(_ entry: Entry) {
    bytes -= entry.bytes
  }

  /// The broker has answered; nil for a message that is not ours (quality `atMostOnce` is not kept here).
  mutating func acknowledged(_ id: Int32) -> Entry? {
    guard let entry = inFlight.removeValue(forKey: id) else { return nil }
    bytes -= entry.bytes
    return entry
  }

  /// Gives up everything.
  mutating func removeAll() -> [Waiter] {
    let all = waiting.contents.map(\.waiter) + inFlight.values.map(\.waiter)
    waiting.removeAll()
    inFlight = [:]
    bytes = 0
    return all
  }
}
