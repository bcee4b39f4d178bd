extension Lifting {
  /// Machines of a component that is searched through: they are bits of a set.
  private static let largest = 24
  /// States that are looked at for one component.
  private static let patience = 30_000

  /// An order that lifts fewer machines than `known`, or nil if none is found.
  ///
  /// All orders are tried, which is possible for a few machines: those whose sizes differ need not give way to each
  /// other along a circuit.
  mutating func search(_ component: [Operation], below known: Int) -> Order? {
    guard component.count <= Self.largest else { return nil }
    for limit in 1..<max(1, known) {
      var search = Search(component, limit: limit, patience: min(Self.patience, searchLeft))
      let isFound = proceed(&search)
      searchLeft -= min(Self.patience, searchLeft) - search.patience
      if isFound { return Order(chain: search.chain, left: [], suspended: mostSuspended(in: search.chain)) }
    }
    return nil
  }

  private func mostSuspended(in chain: [Operation]) -> Int {
    var now = 0
    var most = 0
    for operation in chain {
      if operation.kind == .suspend { now += 1 }
      if operation.kind == .restore { now -= 1 }
      most = max(most, now)
    }
    return most
  }

  private struct Search {
    let component: [Operation]
    let limit: Int
    var patience: Int
    var chain: [Operation] = []
    /// How a machine that has been lifted comes down.
    var back: [Operation?]
    var isDone: [Bool]
    var lifts = 0
    /// States that lead nowhere: machines that have arrived, those that are lifted, as bits, and how many have been.
    private var seen: Set<Int> = []

    init(_ component: [Operation], limit: Int, patience: Int) {
      self.component = component
      self.limit = limit
      self.patience = patience
      back = [Operation?](repeating: nil, count: component.count)
      isDone = [Bool](repeating: false, count: component.count)
    }

    /// Whether the state is new, and there is patience for it.
    mutating func enter() -> Bool {
      var state = lifts << 48
      for number in component.indices {
        if isDone[number] { state |= 1 << number } else if back[number] != nil { state |= 1 << (number + 24) }
      }
      guard patience > 0, seen.insert(state).inserted else { return false }
      patience -= 1
      return true
    }
  }

  private mutating func proceed(_ search: inout Search) -> Bool {
    if !search.isDone.contains(false) { return true }
    guard search.enter() else { return false }
    for number in search.component.indices where !search.isDone[number] {
      let operation = search.back[number] ?? search.component[number]
      guard free[operation.destination] >= memory(of: operation) else { continue }
      perform(operation, &search.chain)
      search.isDone[number] = true
      if proceed(&search) { return true }
      search.isDone[number] = false
      undo(&search.chain)
    }
    guard search.lifts < search.limit else { return false }
    for number in search.component.indices where !search.isDone[number] && search.back[number] == nil {
      let source = search.component[number].source
      // Nobody waits for its room.
      let isWanted = zip(search.component, search.isDone).contains { !$1 && $0.destination == source }
      guard isWanted, let (away, back) = lift(search.component[number]) else { continue }
      perform(away, &search.chain)
      search.back[number] = back
      search.lifts += 1
      if proceed(&search) { return true }
      search.lifts -= 1
      search.back[number] = nil
      undo(&search.chain)
    }
    return false
  }
}
