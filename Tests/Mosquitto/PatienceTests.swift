import TestSupport
import Testing

@testable import Mosquitto

@Suite("Backoff and takeover evidence") struct PatienceTests {
  @Test("the pause doubles up to its limit and never exceeds it")
  func doubling() {
    var backoff = Backoff(first: .milliseconds(100), longest: .seconds(5))
    let pauses = (0..<8).map { _ in backoff.next(jitter: 1) }
    #expect(pauses == [100, 200, 400, 800, 1600, 3200, 5000, 5000].map { .milliseconds($0) })
    backoff.reset()
    check(backoff.next(jitter: 1), is: .milliseconds(100))
  }

  @Test("jitter takes up to half of the step away", arguments: [(0.0, 50), (0.5, 75), (1.0, 100)])
  func jitter(_ jitter: Double, _ milliseconds: Int) {
    var backoff = Backoff(first: .milliseconds(100), longest: .seconds(5))
    check(backoff.next(jitter: jitter), is: .milliseconds(milliseconds))
  }

  @Test("a broker that is away for a year overflows nothing")
  func overflow() {
    var backoff = Backoff(first: .milliseconds(100), longest: .seconds(5))
    for _ in 0..<100_000 { _ = backoff.next(jitter: 1) }
    check(backoff.next(jitter: 1), is: .seconds(5))
  }

  @Test("being thrown out again and again by a broker that stays is a takeover")
  func takeover() {
    var evidence = TakeoverEvidence()
    evidence.closedByBroker(after: .seconds(3600), brokerIsThere: true)
    for _ in 2..<TakeoverEvidence.limit {
      evidence.closedByBroker(after: .milliseconds(80), brokerIsThere: true)
      #expect(!evidence.isConclusive)
    }
    evidence.closedByBroker(after: .milliseconds(80), brokerIsThere: true)
    #expect(evidence.isConclusive)
  }

  @Test("a broker that restarts again and again is none")
  func restarts() {
    var evidence = TakeoverEvidence()
    for round in 0..<100 {
      evidence.closedByBroker(after: .milliseconds(80), brokerIsThere: round % 3 != 0)
      #expect(!evidence.isConclusive)
    }
  }

  @Test("lost connections that lived long are none")
  func longLives() {
    var evidence = TakeoverEvidence()
    for _ in 0..<100 {
      evidence.closedByBroker(after: .seconds(60), brokerIsThere: true)
      #expect(!evidence.isConclusive)
    }
  }

  @Test("of two who throw each other out exactly one gives way, the one thrown out first")
  func duel() {
    var old = TakeoverEvidence()
    var new = TakeoverEvidence()
    var lives = Duration.seconds(3600)
    while true {
      old.closedByBroker(after: lives, brokerIsThere: true)
      if old.isConclusive { break }
      lives = .milliseconds(100)
      new.closedByBroker(after: lives, brokerIsThere: true)
      guard !new.isConclusive else { break }
    }
    #expect(old.isConclusive)
    #expect(!new.isConclusive)
  }
}
