import ClusterModel
import DaemonKit
import Testing

@Suite("Clocks and words that programs share")
struct ClockTests {
  @Test("a moment's uptime grows, and its time is of this century")
  func moments() {
    let clock = SystemClock()
    let first = clock.now
    let second = clock.now
    #expect(second.uptime >= first.uptime)
    #expect(first.uptime >= .zero)
    #expect((1_500_000_000...4_200_000_000).contains(first.unixTime))
    #expect(clock.milliseconds >= UInt64(first.unixTime * 1000))
  }

  @Test("a program that lost its name to another says how both can run")
  func takenOver() {
    let text = "\(TakenOver(clientID: "migfra-worker-node1"))"
    #expect(text.contains("'migfra-worker-node1'"))
    #expect(text.contains("communicator.id"))
  }
}
