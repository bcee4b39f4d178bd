import PlannerCases
import Testing

@testable import Placement

@Suite("A job that is put into what is planned already")
struct PortTimelinesTests {
  private struct Job {
    var start: Int
    var end: Int
    var ports: [Int]
  }

  @Test("starts as early as both of its ports have a slot for all of it")
  func earliest() {
    var random = SplitMix64(text: "timelines")
    for _ in 0..<200 {
      let slots = (0..<5).map { _ in 1 + random.below(3) }
      var timelines = PortTimelines(slots: slots)
      var jobs: [Job] = []
      func hasRoom(at start: Int, _ duration: Int, _ ports: [Int]) -> Bool {
        ports.allSatisfy { port in
          (start..<start + duration).allSatisfy { moment in
            jobs.count { $0.ports.contains(port) && $0.start <= moment && moment < $0.end } < slots[port]
          }
        }
      }
      for _ in 0..<20 {
        let ports = [random.below(2), 2 + random.below(3)]
        let duration = 1 + random.below(6)
        let start = timelines.add(duration, ports[0], ports[1])
        #expect((0...start).first { hasRoom(at: $0, duration, ports) } == start)
        jobs.append(Job(start: start, end: start + duration, ports: ports))
      }
    }
  }
}
