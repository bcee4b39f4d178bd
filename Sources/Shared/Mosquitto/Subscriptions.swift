import MessageBus

/// What the session is subscribed to, and who waits for the broker to grant it.
///
/// Everything is asked for anew at each connection (the *renewal*): the broker may have lost the session, and to ask
/// twice costs nothing.
struct Subscriptions<Waiter: Sendable>: Sendable {
  struct Request: Sendable {
    let filters: [TopicFilter]
    let waiter: Waiter
  }

  /// What the broker's answer means.
  struct Answer: Sendable {
    /// Everything is asked for now: the connection is of use, unless `refused` says otherwise.
    var isRenewal = false
    /// Standing wishes that were refused, with the broker's reason code.
    var refused: [(filter: TopicFilter, code: Int32)] = []
    /// Who can be told, and which filter was refused to them.
    var settled: [(waiter: Waiter, refused: (filter: TopicFilter, code: Int32)?)] = []
  }

  private enum Pending: Sendable {
    case renewal([TopicFilter])
    case addition(Request)
  }

  /// In the order of the wishes, none twice.
  private(set) var wanted: [TopicFilter] = []
  /// Those that no connection has carried yet.
  private var waiting: [Request] = []
  private var pending: [Int32: Pending] = [:]

  init(_ filters: [TopicFilter]) {
    add(filters)
  }

  private mutating func add(_ filters: [TopicFilter]) {
    for filter in filters where !wanted.contains(filter) { wanted.append(filter) }
  }

  /// Keeps a request for the next renewal.
  mutating func postpone(_ request: Request) {
    waiting.append(request)
  }

  /// Takes out what was asked for after the renewal had gone out.
  mutating func takePostponed() -> [Request] {
    defer { waiting = [] }
    return waiting
  }

  /// A request went out on a standing connection.
  mutating func sent(_ request: Request, id: Int32) {
    pending[id] = .addition(request)
  }

  /// What to ask for on a new connection.
  var renewal: [TopicFilter] {
    var all = self
    for request in waiting { all.add(request.filters) }
    return all.wanted
  }

  mutating func sentRenewal(_ filters: [TopicFilter], id: Int32) {
    pending[id] = .renewal(filters)
  }

  /// The connection is lost: what was not answered is asked again on the next.
  mutating func connectionLost() {
    for case .addition(let request) in pending.values { waiting.append(request) }
    pending = [:]
  }

  /// The broker has answered: one code per filter, 0x80 and above are refusals.
  mutating func answered(id: Int32, codes: [Int32]) -> Answer? {
    guard let asked = pending.removeValue(forKey: id) else { return nil }
    var answer = Answer()
    switch asked {
    case .addition(let request):
      settle(request, refused: Self.refusals(request.filters, codes), into: &answer)
    case .renewal(let filters):
      let refused = Self.refusals(filters, codes)
      answer.isRenewal = true
      answer.refused = refused.filter { wanted.contains($0.filter) }
      for request in waiting where request.filters.allSatisfy(filters.contains) {
        settle(request, refused: refused, into: &answer)
      }
      waiting.removeAll { $0.filters.allSatisfy(filters.contains) }
    }
    return answer
  }

  private mutating func settle(
    _ request: Request, refused: [(filter: TopicFilter, code: Int32)], into answer: inout Answer
  ) {
    let first = refused.first { request.filters.contains($0.filter) }
    if first == nil { add(request.filters) }
    answer.settled.append((request.waiter, first))
  }

  private static func refusals(
    _ filters: [TopicFilter], _ codes: [Int32]
  ) -> [(filter: TopicFilter, code: Int32)] {
    zip(filters, codes).filter { $0.1 >= 0x80 }.map { (filter: $0.0, code: $0.1) }
  }

  /// Gives up everything that waits.
  mutating func removeWaiters() -> [Waiter] {
    connectionLost()
    defer { waiting = [] }
    return waiting.map(\.waiter)
  }
}
