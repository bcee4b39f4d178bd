import MessageBus
import TestSupport
import Testing

@Suite("Fifo") struct FifoTests {
  @Test("behaves like an array, whatever is done to it")
  func randomWalk() {
    var generator = SystemRandomNumberGenerator()
    var fifo = Fifo<Int>()
    var model: [Int] = []
    for step in 0..<20_000 {
      switch Int.random(in: 0..<7, using: &generator) {
      case 0...2:
        fifo.append(step)
        model.append(step)
      case 3:
        fifo.prepend(step)
        model.insert(step, at: 0)
      default:
        check(fifo.popFirst(), is: (model.isEmpty ? nil : model.removeFirst()))
      }
      #expect(fifo.count == model.count)
      #expect(fifo.isEmpty == model.isEmpty)
    }
    #expect(Array(fifo.contents) == model)
    fifo.removeAll()
    check(fifo.popFirst(), is: nil)
  }
}
