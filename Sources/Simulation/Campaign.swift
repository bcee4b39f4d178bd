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
    /// What else is to be said to run it again.
    fileprivate let options: String
  }

  public private(set) var histories = 0
  public private(set) var seconds = 0.0
  /// Faults that were planned; those after a broken promise did not happen.
  public private(set) var faults = 0
  public private(set) var failures: [Failure] = []

  public init() {}

  /// - Parameter shortens: whether a failure is made short, which takes many histories, and keeps its last lines; otherwise
  ///   it can only be told in one line.
  public mutating func run(
    _ seed: UInt64, size: World.Size = World.Size(), sabotage: Sabotage? = nil, shortens: Bool = true
  ) {
    var world = World(seed: seed, size: size, sabotage: sabotage)
    world.run()
    histories += 1
    seconds += Double(world.now.components.seconds)
    faults += world.struck
    guard let broken = world.broken else { return }
    failures.append(
      shortens
        ? Self.shorten(seed, broken, size, sabotage)
        : Failure(seed: seed, broken: broken, faults: [], history: [], options: ""))
  }

  public var summary: String {
    let hours = (seconds / 360).rounded() / 10
    return "\(histories) seeds, \(hours) simulated hours, \(faults) faults, \(failures.count) broken promises"
  }

  /// Looks for few faults, in a history that breaks the same promise: none, one, two; else leaves out one after the other.
  private static func shorten(
    _ seed: UInt64, _ broken: BrokenPromise, _ size: World.Size, _ sabotage: Sabotage?
  ) -> Failure {
    func play(_ kept: Set<Int>?) -> World {
      var world = World(seed: seed, size: size, sabotage: sabotage, keeping: kept, keepsHistory: true)
      world.run()
      return world
    }
    let whole = play(nil)
    let relevant = whole.faults.indices.filter { whole.faults[$0].at <= whole.now }
    let options =
      (size.hosts.count == 1 ? " --hosts \(size.hosts.lowerBound)" : "")
      + (sabotage.map { " --sabotage \($0.rawValue)" } ?? "")
    func failure(_ kept: some Sequence<Int>, _ world: World) -> Failure {
      Failure(
        seed: seed, broken: world.broken ?? broken, faults: kept.sorted().map { world.faults[$0].description },
        history: world.history.suffix(60), options: options)
    }
    let pairs = relevant.flatMap { one in relevant.filter { $0 > one }.map { [one, $0] } }
    for kept in [[]] + relevant.map({ [$0] }) + pairs where size.hosts.upperBound < 100 {
      let world = play(Set(kept))
      if world.broken?.promise == broken.promise { return failure(kept, world) }
    }
    var kept = Set(relevant)
    var shortest = whole
    for fault in relevant where size.hosts.upperBound < 100 {
      let world = play(kept.subtracting([fault]))
      guard world.broken?.promise == broken.promise else { continue }
      kept.remove(fault)
      shortest = world
    }
    return failure(kept, shortest)
  }
}

extension Campaign.Failure: CustomStringConvertible {
  /// In one line.
  public var summary: String { "seed \(seed): \(broken.promise.rawValue): \(broken.details)" }

  public var description: String {
    """
    \(summary)
    \(history.joined(separator: "\n"))
    with these faults only:
    \(faults.map { "  \($0)" }.joined(separator: "\n"))
    once more: migfra simulate --first \(seed) --seeds 1\(options)
    """
  }
}
