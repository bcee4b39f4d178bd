/// Moves machines on the destinations to make room for those that found none: as few as possible.
///
/// For each homeless item: a bin, one item of it that leaves, and another bin where that one goes. Of all such pairs of
/// holes the smallest that serves is taken, so that the large ones stay for the large.
struct MakingRoom {
  /// Items of the evacuation first, then the machines on the destinations, which begin where they are.
  private(set) var ledger: Ledger
  /// Items in the order in which they can move one after another.
  private(set) var order: [Int] = []
  private let movingCount: Int
  private let homeless: [Int]
  private let origin: [Int]

  init(_ problem: Problem, _ evacuation: Problem.Evacuation, placed: Ledger) {
    var binOfHost = [Int](repeating: -1, count: problem.hosts.count)
    for (bin, host) in evacuation.destinations.enumerated() { binOfHost[host] = bin }
    var isMoving = [Bool](repeating: false, count: problem.vms.count)
    for vm in evacuation.moving { isMoving[vm] = true }
    let others = problem.vms.indices.filter { !isMoving[$0] && binOfHost[problem.vms[$0].host] >= 0 }
    ledger = Ledger(problem, items: evacuation.moving + others, evacuation: evacuation)
    movingCount = evacuation.moving.count
    homeless = placed.bin.indices.filter { placed.bin[$0] < 0 }
    for (offset, vm) in others.enumerated() {
      ledger.put(movingCount + offset, binOfHost[problem.vms[vm].host], cell: problem.vms[vm].cell)
    }
    for item in placed.bin.indices where placed.bin[item] >= 0 {
      ledger.put(item, placed.bin[item], cell: placed.constraints.cellOrNone(item))
      order.append(item)
    }
    origin = ledger.bin
  }

  /// Items that are not where they began.
  var extraCount: Int {
    (movingCount..<ledger.itemCount).count { ledger.bin[$0] != origin[$0] }
  }

  /// Tries orders of the homeless until each costs one other machine's move, or the steps are used up.
  mutating func run(steps: inout Int) {
    let start = (ledger: ledger, order: order)
    var best: (unplaced: Int, extra: Int, ledger: Ledger, order: [Int])?
    var random = RandomSource(seed: 5)
    var wishes = homeless.sorted {
      ledger.memoryOf[$0] != ledger.memoryOf[$1] ? ledger.memoryOf[$0] > ledger.memoryOf[$1] : $0 < $1
    }
    for _ in 0..<64 where steps > 0 {
      (ledger, order) = start
      for item in wishes where steps > 0 { place(item, &steps) }
      let result = (unplaced: ledger.unplacedCount, extra: extraCount)
      if best.map({ result < ($0.unplaced, $0.extra) }) ?? true {
        best = (result.unplaced, result.extra, ledger, order)
      }
      if result.unplaced == 0, result.extra <= homeless.count { break }
      for position in wishes.indices.dropLast() where random.below(3) == 0 {
        wishes.swapAt(position, position + 1 + random.below(min(4, wishes.count - position - 1)))
      }
    }
    if let best { (ledger, order) = (best.ledger, best.order) }
  }

  /// Gives up the attempt if somebody would meet one that is left behind in its rack.
  mutating func keepApart() {
    guard ledger.unplacedCount > 0 else { return }
    if (0..<ledger.itemCount).contains(where: { ledger.constraints.meetsLeftBehind($0, ledger.bin) }) { ledger.clear() }
  }

  private mutating func place(_ item: Int, _ steps: inout Int) {
    let bins = 0..<ledger.binCount
    if let direct = bins.first(where: { ledger.fits(item, $0) }) {
      ledger.place(item, direct)
      order.append(item)
      return
    }
    var holes = bins.map { (free: ledger.freeMemory($0), bin: $0) }
    holes.sort { $0.free != $1.free ? $0.free < $1.free : $0.bin < $1.bin }
    if let way = oneLeaves(for: item, holes, &steps) {
      let before = (ledger.saved, order)
      shift(way.leaver, to: way.refuge)
      if ledger.fits(item, way.bin) {
        ledger.place(item, way.bin)
        order.append(item)
      } else {
        // The two must not be in one rack either.
        ledger.restore(before.0)
        order = before.1
      }
    } else {
      severalLeave(for: item, holes, &steps)
    }
  }

  private func oneLeaves(
    for item: Int, _ holes: [(free: Int, bin: Int)], _ steps: inout Int
  ) -> (bin: Int, leaver: Int, refuge: Int)? {
    var best: (bin: Int, leaver: Int, refuge: Int)?
    var least = Int.max
    for hole in holes {
      if hole.free >= least { break }
      let needed = ledger.memoryOf[item] - hole.free
      var leaver = ledger.first[hole.bin]
      while leaver >= 0 {
        steps -= 1
        if ledger.memoryOf[leaver] >= needed, mayLeave(leaver, for: item, in: hole.bin) {
          let refuge = refuge(for: leaver, besides: hole.bin, holes)
          if let refuge, hole.free + refuge.free < least {
            least = hole.free + refuge.free
            best = (hole.bin, leaver, refuge.bin)
            // Both holes are used up to the last byte: nothing can be better.
            if least == ledger.memoryOf[item] { return best }
          }
        }
        leaver = ledger.next[leaver]
      }
    }
    return best
  }

  private func mayLeave(_ leaver: Int, for item: Int, in bin: Int) -> Bool {
    leaver >= movingCount && ledger.bin[leaver] == origin[leaver]
      && ledger.cpus[bin] - ledger.cpusOf[leaver] + ledger.cpusOf[item] <= ledger.cpuLimit[bin]
      && (ledger.constraints.areNone || ledger.constraints.allow(item, bin, ledger.bin, ignoring: leaver))
  }

  /// The smallest hole that takes it.
  private func refuge(
    for leaver: Int, besides bin: Int, _ holes: [(free: Int, bin: Int)]
  ) -> (free: Int, bin: Int)? {
    var low = 0
    var high = holes.count
    while low < high {
      let middle = (low + high) / 2
      if holes[middle].free < ledger.memoryOf[leaver] { low = middle + 1 } else { high = middle }
    }
    return holes[low...].prefix(32).first { $0.bin != bin && ledger.fits(leaver, $0.bin) }
  }

  /// The largest hole is widened by one machine after another until the item fits; else nothing changes.
  private mutating func severalLeave(for item: Int, _ holes: [(free: Int, bin: Int)], _ steps: inout Int) {
    for hole in holes.reversed().prefix(16) {
      let before = (ledger.saved, order)
      while !ledger.fits(item, hole.bin), steps > 0 {
        let leavers = ledger.items(in: hole.bin).filter { $0 >= movingCount && ledger.bin[$0] == origin[$0] }
          .sorted { ledger.memoryOf[$0] > ledger.memoryOf[$1] }
        steps -= leavers.count * holes.count
        var hasLeft = false
        for leaver in leavers {
          guard let refuge = holes.first(where: { $0.bin != hole.bin && ledger.fits(leaver, $0.bin) }) else { continue }
          shift(leaver, to: refuge.bin)
          hasLeft = true
          break
        }
        if !hasLeft { break }
      }
      if ledger.fits(item, hole.bin) {
        ledger.place(item, hole.bin)
        order.append(item)
        return
      }
      ledger.restore(before.0)
      order = before.1
    }
  }

  private mutating func shift(_ item: Int, to bin: Int) {
    ledger.remove(item)
    ledger.place(item, bin)
    order.append(item)
  }
}
