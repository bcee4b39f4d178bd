/// What goes wrong with one delivery to one client of an `InMemoryBroker`.
public enum Fault: Sendable, Equatable {
  /// Nothing.
  case deliver
  /// The message is gone for ever: what a broker that was killed does to its queue.
  case lose
  /// The message does not arrive on this connection; with quality `atLeastOnce` the broker sends it again on the next.
  case loseOnWire
  /// The message arrives twice.
  case duplicate
  /// The message arrives only after so many later ones have arrived at this client, or after `flush`.
  case delay(deliveries: Int)
}
