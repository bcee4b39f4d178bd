/// A regular expression for names, matched as a whole.
///
/// ECMAScript's syntax, as the reference has it, without what needs backtracking (references, look-ahead). All states are
/// followed at once, so a match takes time in proportion to the name and the pattern, whatever the pattern is.
public struct NamePattern: Sendable, Equatable, CustomStringConvertible {
  /// Why a text is no pattern.
  public struct Flaw: Error, Equatable, CustomStringConvertible {
    public let description: String
  }

  /// What one step of a match may do.
  enum State: Sendable, Equatable {
    /// Takes a character of the set, and goes to the next state.
    case take(CharacterSet)
    /// Goes to both without taking anything.
    case split(Int, Int)
    case jump(Int)
    case end
  }

  public let description: String
  private let states: [State]

  public init(_ text: String) throws(Flaw) {
    description = text
    var parser = NamePatternParser(text)
    states = try parser.parse()
  }

  public static func == (left: Self, right: Self) -> Bool { left.description == right.description }

  /// Whether the pattern describes the whole name.
  public func matches(_ name: String) -> Bool {
    var reached = Reached(count: states.count)
    follow(0, into: &reached)
    for scalar in name.unicodeScalars {
      let current = reached.begin()
      for index in current {
        if case .take(let set) = states[index], set.contains(scalar) { follow(index + 1, into: &reached) }
      }
      if reached.states.isEmpty { return false }
    }
    return reached.states.contains { if case .end = states[$0] { true } else { false } }
  }

  private func follow(_ start: Int, into reached: inout Reached) {
    var pending = [start]
    while let index = pending.popLast() {
      guard reached.insert(index) else { continue }
      switch states[index] {
      case .split(let first, let second):
        pending.append(first)
        pending.append(second)
      case .jump(let target): pending.append(target)
      case .take, .end: break
      }
    }
  }

  /// The states that are reached with what was read so far. Each step touches thousands of them for the largest
  /// patterns, and there may be a name for each of a host's machines: no hashing.
  private struct Reached {
    private(set) var states: [Int] = []
    private var steps: [Int]
    private var step = 1

    init(count: Int) { steps = Array(repeating: 0, count: count) }

    /// - Returns: those of the step that ends.
    mutating func begin() -> [Int] {
      step += 1
      defer { states.removeAll(keepingCapacity: true) }
      return states
    }

    mutating func insert(_ state: Int) -> Bool {
      guard steps[state] != step else { return false }
      steps[state] = step
      states.append(state)
      return true
    }
  }
}

/// Some of all characters.
struct CharacterSet: Sendable, Equatable {
  var ranges: [ClosedRange<UInt32>] = []
  var isInverted = false

  static let any = CharacterSet(isInverted: true)

  init(_ ranges: [ClosedRange<UInt32>] = [], isInverted: Bool = false) {
    self.ranges = ranges
    self.isInverted = isInverted
  }

  init(_ scalar: Unicode.Scalar) {
    ranges = [scalar.value...scalar.value]
  }

  /// `\d`, `\w`, `\s` and their opposites.
  init?(class letter: Unicode.Scalar) {
    let digits: [ClosedRange<UInt32>] = [0x30...0x39]
    let words = digits + [0x41...0x5A, 0x61...0x7A, 0x5F...0x5F]
    let spaces: [ClosedRange<UInt32>] = [0x09...0x0D, 0x20...0x20]
    switch letter {
    case "d": self.init(digits)
    case "D": self.init(digits, isInverted: true)
    case "w": self.init(words)
    case "W": self.init(words, isInverted: true)
    case "s": self.init(spaces)
    case "S": self.init(spaces, isInverted: true)
    default: return nil
    }
  }

  func contains(_ scalar: Unicode.Scalar) -> Bool {
    ranges.contains { $0.contains(scalar.value) } != isInverted
  }

  /// The same characters in as few ranges as there can be.
  mutating func simplify() {
    var merged: [ClosedRange<UInt32>] = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = merged.last, range.lowerBound <= last.upperBound + 1 {
        merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        merged.append(range)
      }
    }
    ranges = merged
  }
}
