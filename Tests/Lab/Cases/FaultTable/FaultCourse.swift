/// Which cells are still to be tried, and what became of the others.
actor FaultCourse {
  private var waiting: [(number: Int, cell: FaultCell)]
  private(set) var verdicts: [FaultCell.Verdict] = []

  init(_ cells: [FaultCell]) {
    waiting = cells.enumerated().map { ($0.offset + 1, $0.element) }
  }

  /// The next cell for a lab of this kind, or else one of the kind of which most are left; nil: none is left.
  func next(like kind: String?) -> (number: Int, cell: FaultCell)? {
    let counts = Dictionary(grouping: waiting, by: \.cell.kindOfLab).mapValues(\.count)
    let most = counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
    let index = waiting.firstIndex { $0.cell.kindOfLab == kind } ?? waiting.firstIndex { $0.cell.kindOfLab == most }
    return index.map { waiting.remove(at: $0) }
  }

  /// - Returns: how many have been tried.
  func keep(_ verdict: FaultCell.Verdict) -> Int {
    verdicts.append(verdict)
    return verdicts.count
  }
}
