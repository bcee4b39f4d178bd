import ClusterModel
import Placement

/// All cases of a salt, made one at a time.
public struct CaseFamilies: Sendable {
  /// A case to be made.
  public struct Entry: Sendable {
    public var name: String
    public var size: PlannerCase.Size
    public var make: @Sendable () -> PlannerCase
  }

  public let entries: [Entry]

  /// - Parameter salt: another text, other cases of the same families.
  public init(salt: String) {
    var entries: [Entry] = []
    for (family, sizes, modes, shape) in Self.evacuations {
      for size in Self.sizes(sizes) {
        for mode in modes {
          entries.append(
            Entry(name: "\(family)-\(size.rawValue)-\(mode.rawValue)", size: size) {
              let random = SplitMix64(text: "\(salt)\(family)-\(size.rawValue)")
              return PlannerCase(
                family: family, size: size, problem: WitnessCluster(shape, size, random: random).problem(mode),
                isFeasible: shape.remainingMemory == 1000 && (shape.cpuFill <= 1 || shape.overbooking))
            })
        }
      }
    }
    func add(
      _ family: String, _ sizes: String, _ make: @escaping @Sendable (PlannerCase.Size, SplitMix64) -> PlannerCase
    ) {
      for size in Self.sizes(sizes) {
        let name = "\(family)-\(size.rawValue)"
        entries.append(Entry(name: name, size: size) { make(size, SplitMix64(text: salt + name)) })
      }
    }
    add("repack", "smlx") { FullClusters.repack($0, $1) }
    add("cycle", "smlx") { FullClusters.cycles("cycle", $0, $1, isMixed: false, spare: nil) }
    add("mixcycle", "smlx") { FullClusters.cycles("mixcycle", $0, $1, isMixed: true, spare: nil) }
    add("bounce", "smlx") {
      FullClusters.cycles("bounce", $0, $1, isMixed: false, spare: [4, 8, 32, 256, 512][$0.index] * gib)
    }
    add("mixbounce", "smlx") {
      FullClusters.cycles("mixbounce", $0, $1, isMixed: true, spare: [8, 16, 64, 512, 1024][$0.index] * gib)
    }
    add("chain", "smlx") { FullClusters.chain($0, $1) }
    add("sched", "smlx") { FullClusters.order("sched", $0, $1, isUniform: false) }
    add("edgecolor", "smlx") { FullClusters.order("edgecolor", $0, $1, isUniform: true) }
    self.entries = entries
  }

  private static func sizes(_ letters: String) -> [PlannerCase.Size] {
    letters.compactMap { PlannerCase.Size(rawValue: String($0)) }
  }

  private static let all: [PlacementMode] = [.auto, .compact, .scatter]

  private static let evacuations: [(String, String, [PlacementMode], WitnessCluster.Shape)] = [
    ("loose", "smlx", all, .init(memoryFill: 0.55, cpuFill: 0.5, isOdd: false)),
    ("tight", "smlx", all, .init(memoryFill: 0.97, isExact: true)),
    ("perfect", "sml", [.auto], .init(memoryFill: 1, cpuFill: 0.9, sourceShare: 0.1, isExact: true)),
    ("tightcpu", "smlx", [.auto], .init(memoryFill: 0.7, cpuFill: 0.97)),
    ("tight2d", "smlx", [.auto, .compact], .init(memoryFill: 0.95, cpuFill: 0.95, sourceShare: 0.15)),
    ("hetero", "smlx", all, .init(memoryFill: 0.75, cpuFill: 0.75, isMixed: true)),
    ("infeasible", "smlx", [.auto], .init(memoryFill: 0.97, sourceShare: 0.15, isExact: true, remainingMemory: 900)),
    ("cpufull", "sml", [.auto], .init(memoryFill: 0.7, cpuFill: 1.6)),
    ("overbook", "smlx", all, .init(memoryFill: 0.7, cpuFill: 1.6, overbooking: true)),
    ("avoid", "smlx", [.auto, .compact], .init(memoryFill: 0.7, cpuFill: 0.97, overbooking: true)),
    ("anti", "smlx", all, .init(memoryFill: 0.85, sourceShare: 0.1, groupsPerHundred: 7)),
    ("numa", "sml", [.auto], .init(memoryFill: 0.95, cpuFill: 0.95, sourceShare: 0.2, hasCells: true)),
    ("half", "mlx", all, .init(memoryFill: 0.9, cpuFill: 0.85, sourceShare: 0.5)),
    ("half", "z", [.auto, .compact], .init(memoryFill: 0.9, cpuFill: 0.85, sourceShare: 0.5)),
    ("onehost", "xz", all, .init(memoryFill: 0.8, cpuFill: 0.7, sourceCount: 1)),
    ("rack", "xz", all, .init(memoryFill: 0.85, sourceCount: 40)),
  ]
}
