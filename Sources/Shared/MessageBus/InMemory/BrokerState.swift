/// The rules of the `InMemoryBroker`, without locks and without calling anybody.
struct BrokerState: Sendable {
  typealias Waiter = Promise<Result<Delivery, BusError>>
  typealias Handler = @Sendable (BusEvent) -> Void

  struct Client: Sendable {
    enum Stage: Sendable {
      /// Goes to `away`.
      case initial
      /// Goes to `connected` or `over`; a client that was cut waits for `reconnect`.
      case away(isCut: Bool)
      /// Goes to `away` or `over`.
      case connected
      /// The end, and why.
      case over(BusError)
    }
    let session: BusSession
    let outboxLimit: Int
    var stage = Stage.initial
    var handler: Handler?
    /// What to subscribe to at each connection.
    var wanted: [TopicFilter]
    /// What waits for the broker.
    var outbox: [(message: BusMessage, waiter: Waiter)] = []
    var requests: [Waiter] = []
    var isConnected: Bool { if case .connected = stage { true } else { false } }
  }

  /// What the broker keeps for a client id.
  struct Session: Sendable {
    /// The order of deliveries.
    let rank: Int
    var subscriptions: [TopicFilter] = []
    var queue = Fifo<Stored>()
    /// Lost on the wire: sent again at the next connection.
    var unacknowledged: [Stored] = []
    /// Delayed by so many deliveries.
    var held: [(deliveries: Int, message: Stored)] = []
    /// Which client is connected, and by which connection.
    var client: (number: Int, connection: Int)?
    /// When it ends; nil while connected.
    var end: Duration?
  }

  struct Stored: Sendable {
    var message: BusMessage
    /// When it is worth nothing any more.
    var end: Duration?
    /// It had its fault already.
    var isExempt = false
  }

  struct Will: Sendable {
    let clientID: String
    let message: BusMessage
    let due: Duration
  }

  /// One call of a handler to make.
  struct Call: Sendable {
    let handler: Handler
    let event: BusEvent
    let times: Int
    /// Of a message: what `finish` needs.
    let delivery: (clientID: String, connection: Int, message: Stored)?
  }

  enum Job: Sendable {
    case event(client: Int, BusEvent)
    /// Deliver the oldest message of the queue.
    case message(clientID: String)
  }

  let queueLimit: Int
  var plan: @Sendable (BusMessage, String) -> Fault = { _, _ in .deliver }
  var script = Fifo<Fault>()
  var refusals: [String: String] = [:]
  var isDelivering = false
  var retained: [String: Stored] = [:]
  var sessions: [String: Session] = [:]
  var clients: [Client] = []
  var wills: [Will] = []
  var jobs = Fifo<Job>()
  var settled: [(Waiter, Result<Delivery, BusError>)] = []
  var now = Duration.zero
  var ranks = 0
  var connections = 0
  var isUp = true

  init(queueLimit: Int) {
    self.queueLimit = queueLimit
  }
}
