/// What a crew has to do, and how much of it is under way.
struct WorkInHand {
  struct Item {
    let work: WorkQueue.Work
    let isJob: Bool
  }

  var jobs = WorkQueue()
  var calls = WorkQueue()
  private var isJobUnderWay = false
  private var callsUnderWay = 0
  private let limit: Int

  /// - Parameter limit: of calls at once.
  init(calls limit: Int) {
    self.limit = limit
  }

  /// Whether one more thread had something to do.
  var isWaiting: Bool { isJobWaiting || isCallWaiting }
  private var isJobWaiting: Bool { !isJobUnderWay && !jobs.isEmpty }
  private var isCallWaiting: Bool { callsUnderWay < limit && !calls.isEmpty }

  /// Jobs first: they are short, and calls come of them.
  mutating func begin() -> Item? {
    if isJobWaiting, let job = jobs.popFirst() {
      isJobUnderWay = true
      return Item(work: job, isJob: true)
    }
    if isCallWaiting, let call = calls.popFirst() {
      callsUnderWay += 1
      return Item(work: call, isJob: false)
    }
    return nil
  }

  mutating func ended(_ item: Item) {
    if item.isJob { isJobUnderWay = false } else { callsUnderWay -= 1 }
  }
}
