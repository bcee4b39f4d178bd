/// Judges whether another program uses our client id.
///
/// MQTT v5 has a word for it (reason 142), but mosquitto 2.0 merely closes the older connection, which looks like a
/// broker that restarts. The difference: a broker that restarts is gone when it has closed our connection, or has
/// forgotten the session afterwards; after a takeover it is there, and takes us back at once. That throws the other
/// program out, which does the same to us: the first one thrown out reaches the limit first and gives way, so exactly
/// one of two stays, the newcomer.
struct TakeoverEvidence: Equatable {
  /// How many times in a row we must be thrown out.
  static let limit = 4
  /// A connection that has lived longer than this begins a new count.
  static let quickly = Duration.seconds(5)

  private var thrownOut = 0

  /// Whether it is no coincidence any more.
  var isConclusive: Bool { thrownOut >= Self.limit }

  /// The broker has closed a connection that it had accepted.
  mutating func closedByBroker(after life: Duration, brokerIsThere: Bool) {
    guard brokerIsThere else { return brokerRestarted() }
    thrownOut = life < Self.quickly ? thrownOut + 1 : 1
  }

  /// The broker was away, or knows nothing of us: it has restarted.
  mutating func brokerRestarted() {
    thrownOut = 0
  }
}
