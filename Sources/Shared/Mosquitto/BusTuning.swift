/// How patient a `MosquittoBus` is, and how much it keeps for a broker that is away.
public struct BusTuning: Sendable, Equatable {
  /// The pause after the first failure; it doubles with each further one, up to `longestPause`.
  public var firstPause: Duration
  public var longestPause: Duration
  /// The pause after the broker has refused us (not authorised, a subscription not granted): nothing gets better
  /// by asking often.
  public var refusedPause: Duration
  /// How long a connection may take until the broker has accepted it.
  public var connectLimit: Duration
  /// How long `close` waits for the farewell's acknowledgement.
  public var farewellLimit: Duration
  /// How many messages may be without the broker's acknowledgement.
  public var outboxMessages: Int
  /// And how many bytes of topics and payloads.
  public var outboxBytes: Int

  public init(
    firstPause: Duration = .milliseconds(100), longestPause: Duration = .seconds(5),
    refusedPause: Duration = .seconds(5), connectLimit: Duration = .seconds(10),
    farewellLimit: Duration = .seconds(2), outboxMessages: Int = 10_000, outboxBytes: Int = 64 << 20
  ) {
    self.firstPause = firstPause
    self.longestPause = longestPause
    self.refusedPause = refusedPause
    self.connectLimit = connectLimit
    self.farewellLimit = farewellLimit
    self.outboxMessages = outboxMessages
    self.outboxBytes = outboxBytes
  }
}
