import Foundation
import FuzzTargets
import Testing

private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent()

/// Damaged examples for each reader of what comes from outside; the same ones in every run.
@Suite("Readers and whatever comes", .timeLimit(.minutes(10)))
struct DamagedExampleTests {
  /// The examples of the documents.
  static let examples: [[UInt8]] = ["protocol", "configuration", "planner"].flatMap { page in
    let text = (try? String(contentsOf: root.appending(path: "docs/\(page).md"), encoding: .utf8)) ?? ""
    return text.components(separatedBy: "```").enumerated().filter { $0.offset % 2 == 1 }.map { part in
      Array(part.element.drop { $0 != "\n" }.utf8)
    }
  }

  @Test(
    "Examples with a few bytes changed are read or refused, and what is read is written as the same",
    arguments: FuzzTarget.allCases)
  func damaged(_ target: FuzzTarget) throws {
    var random = Mutations(seed: 4711)
    #expect(Self.examples.count > 40)
    var read = 0
    for round in 0..<6 {
      for example in Self.examples where example.count < 4000 {
        let input = (0..<round).reduce(example) { input, _ in random.mutate(input, with: Self.examples) }
        if try target.read(input) { read += 1 }
      }
    }
    #expect(read > 0 || !target.isInDocuments, "no example was one that is read here")
  }
}

extension FuzzTarget {
  /// Whether the pages have an example of it.
  fileprivate var isInDocuments: Bool {
    switch self {
    case .topic, .pattern, .xml, .banner, .machine, .planningCase: false
    default: true
    }
  }
}

/// Changes of a text, the same for a seed.
private struct Mutations: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// SplitMix64.
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }

  private static let words = [
    "-1", "0", "18446744073709551616", "9223372036854775807", "1e999", ".nan", ".inf", "~", "[]", "{}", "''", "true",
    "\n", "\0", "\u{FEFF}", "&a ", "*a", "!!int ", "<<: ", "|\n", "? ", "- ", ": ", "#", "é", "\u{0301}", "0x", "\r",
  ]

  mutating func mutate(_ input: [UInt8], with others: [[UInt8]]) -> [UInt8] {
    var output = input
    let place = output.isEmpty ? 0 : Int.random(in: 0..<output.count, using: &self)
    let end = min(output.count, place + Int.random(in: 1...12, using: &self))
    switch Int.random(in: 0..<6, using: &self) {
    case 0 where place < output.count: output[place] = UInt8.random(in: 0...255, using: &self)
    case 1: output.removeSubrange(place..<end)
    case 2: output.replaceSubrange(place..<end, with: (Self.words.randomElement(using: &self) ?? "").utf8)
    case 3: output.insert(contentsOf: (Self.words.randomElement(using: &self) ?? "").utf8, at: place)
    case 4: output.insert(contentsOf: output[place..<end], at: place)
    default:
      let other = others.randomElement(using: &self) ?? []
      output = output.prefix(place) + other.suffix(Int.random(in: 0...other.count, using: &self))
    }
    return output
  }
}
