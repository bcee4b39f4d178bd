/// An order for moves between hosts that are full, once one of them has been lifted out of the way.
///
/// The room that a lifted machine leaves is a hole. A machine that moves into the hole leaves one of its own size behind,
/// so the hole wanders against the direction of the moves. Where as many machines of a size arrive at each host as
/// leave it, an Euler circuit over the moves of that size brings the hole everywhere and back. A larger hole lets all
/// circuits of smaller machines that touch a host run while it is there.
struct HoleTour {
  /// A move between hosts that are numbered from 0 within the tour.
  struct Move {
    var vm: Int
    var source: Int
    var destination: Int
    var size: Int
  }

  private let moves: [Move]
  private let hostCount: Int
  /// Classes of sizes, the largest first.
  private let classOf: [Int]
  private let classCount: Int
  /// Moves into a host that are not in the tour yet, by class and host.
  private var arrivals: [[Int]]

  init(_ moves: [Move], hostCount: Int) {
    self.moves = moves
    self.hostCount = hostCount
    let sizes = Set(moves.map(\.size)).sorted(by: >)
    var number: [Int: Int] = [:]
    for (position, size) in sizes.enumerated() { number[size] = position }
    classOf = moves.map { number[$0.size] ?? 0 }
    classCount = sizes.count
    arrivals = [[Int]](repeating: [], count: sizes.count * hostCount)
    for (index, move) in moves.enumerated().reversed() {
      arrivals[classOf[index] * hostCount + move.destination].append(index)
    }
  }

  /// The move to lift, one of the largest, and the others that its hole serves, in order; nil: none may be lifted.
  ///
  /// - Parameter preferred: the move to lift; nil: the first of the largest.
  mutating func order(sparing isSpared: [Bool], preferring preferred: Int?) -> (lifted: Int, others: [Int])? {
    let largest = moves.indices.filter { !isSpared[$0] }.min { classOf[$0] < classOf[$1] }
    guard let lifted = preferred ?? largest else { return nil }
    let key = classOf[lifted] * hostCount + moves[lifted].destination
    arrivals[key].removeAll { $0 == lifted }
    return (lifted, walk(classOf[lifted], from: moves[lifted].source))
  }

  /// The circuit of one class from a host on, with the circuits of smaller classes where it passes them.
  private mutating func walk(_ number: Int, from host: Int) -> [Int] {
    var result = smaller(than: number, at: host)
    for move in circuit(number, from: host) {
      result.append(move)
      result += smaller(than: number, at: moves[move].source)
    }
    return result
  }

  private mutating func smaller(than number: Int, at host: Int) -> [Int] {
    var result: [Int] = []
    for other in number + 1..<max(number + 1, classCount) where !arrivals[other * hostCount + host].isEmpty {
      result += walk(other, from: host)
    }
    return result
  }

  /// Hierholzer's algorithm, against the direction of the moves.
  private mutating func circuit(_ number: Int, from host: Int) -> [Int] {
    var stack: [(host: Int, move: Int)] = [(host, -1)]
    var reversed: [Int] = []
    while let top = stack.last {
      if let move = arrivals[number * hostCount + top.host].popLast() {
        stack.append((moves[move].source, move))
      } else {
        stack.removeLast()
        if top.move >= 0 { reversed.append(top.move) }
      }
    }
    return reversed.reversed()
  }
}
