/// Many histories, and what came of them.
public struct Campaign: Sendable {
  /// A history that has broken a promise, made as short as it can be.
  public struct Failure: Sendable {
    public let seed: UInt64
    public let broken: BrokenPromise
    /// Those that are needed for it, in words.
    public let faults: [String]
    /// The last lines of the shortened history.
    public let history: [String]
  }

  public private(set) var histories = 0
  public private(set) var seconds = 0.0
  public private(set) var faults = 0
  public private(set) var failures: [Failure] = []

  public init() {}

  public mutating func run(_ seed: UInt64, size: World.Size = World.Size(), sabotage: Sabotage? = nil) {
    var world = World(seed: seed, size: size, sabotage: sabotage)
    world.run()
    histories += 1
    seconds += Double(world.now.components.seconds)
    faults += world.struck
    if let broken = world.broken { failures.append(Self.shorten(seed, broken, size, sabotage)) }
  }

  public var summary: String {
    let hours = (seconds / 360).rounded() / 10
    return "\(histories) seeds, \(hours) simulated hours, \(faults) faults, \(failures.count) broken promises"
  }

  /// Leaves out one fault after the other, as long as the same promise is broken.
  private static func shorten(
    _ seed: UInt64, _ broken: BrokenPromise, _ size: World.Size, _ sabotage: Sabotage?
  ) -> Failure {
    var last = World(seed: seed, size: size, sabotage: sabotage, keepsHistory: true)
    var kept = Set(last.faults.indices)
    last.run()
    var isShorter = true
    while isShorter {
      isShorter = false
      for fault in kept.sorted() {
        var other = World(
          seed: seed, size: size, sabotage: sabotage, keeping: kept.subtracting([fault]), keepsHistory: true)
        other.run()
        guard other.broken?.promise == broken.promise else { continue }
        kept.remove(fault)
        last = other
        isShorter = true
      }
    }
    return Failure(
      seed: seed, broken: last.broken ?? broken, faults: kept.sorted().map { last.faults[$0].description },
      history: last.history.suffix(60))
  }
}

extension Campaign.Failure: CustomStringConvertible {
  public var description: String {
    """
    seed \(seed): \(broken.promise.rawValue): \(broken.details)
    \(history.joined(separator: "\n"))
    with these faults only:
    \(faults.map { "  \($0)" }.joined(separator: "\n"))
    once more: make simulate FIRST_SEED=\(seed) SEEDS=1
    """
  }
}
