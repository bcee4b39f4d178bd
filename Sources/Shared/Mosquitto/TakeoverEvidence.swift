/// Judges whether another program uses our client id.
///
/// MQTT v5 has a word for it (reason 142), but mosquitto 2.0 merely closes the older connection, which looks like a
/// broker that restarts. The difference: a restarting broker refuses connections for a while, or has forgotten the
/// session; after a takeover the next attempt succeeds at once, and that throws the other program out, which does the
/// same to us. The first one thrown out reaches the limit first and gives way, so exactly one of two stays.
struct TakeoverEvidence: Equatable {
  /// How many times in a row we must be thrown out.
  static let limit = 3
  /// A connection that has lived longer than this begins a new count.
  static let quickly = Duration.seconds(5)

  private var thrownOut = 0

  /// The broker has closed a connection that it had accepted.
  /// - Returns: true when that is no longer a coincidence.
  mutating func closedByBroker(after life: Duration) -> Bool {
    thrownOut = life < Self.quickly ? thrownOut + 1 : 1
    return thrownOut >= Self.limit
  }

  /// The broker was away, or knows nothing of us: it has restarted.
  mutating func brokerRestarted() {
    thrownOut = 0
  }
}
