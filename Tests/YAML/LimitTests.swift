import Testing
import YAML

@Suite("Limits")
struct LimitTests {
  static let roomy = YAMLLimits(bytes: 100 << 20, depth: 32, events: 10_000_000)

  private func refusal(_ text: String, _ limits: YAMLLimits = .message) throws -> YAMLError {
    try #require(throws: YAMLError.self) { try YAML.parse(text, limits: limits) }
  }

  @Test("the last allowed byte is read, the next is not")
  func bytes() throws {
    let limits = YAMLLimits(bytes: 6, depth: 32, events: 100)
    #expect(try YAML.parse("a: bcd", limits: limits) == .mapping([("a", "bcd")]))
    let error = try refusal("a: bcde", limits)
    #expect(error.code == .limit)
    #expect(error.reason == "7 bytes are more than the 6 that are read")
  }

  @Test("the last allowed level is read, the next is not", arguments: [1, 2, 32])
  func depth(_ depth: Int) throws {
    let limits = YAMLLimits(bytes: 1000, depth: depth, events: 1000)
    func nested(_ levels: Int) -> String {
      String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
    }
    #expect(throws: Never.self) { try YAML.parse(nested(depth), limits: limits) }
    let error = try refusal(nested(depth + 1), limits)
    #expect(error.code == .limit)
    #expect(error.mark == YAMLMark(line: 1, column: depth + 1))
  }

  @Test("levels beside each other are no depth")
  func breadth() throws {
    let text = "[" + String(repeating: "[a], {b: [c]}, ", count: 1000) + "]"
    #expect(throws: Never.self) { try YAML.parse(text, limits: YAMLLimits(bytes: 1 << 20, depth: 3, events: 20_000)) }
  }

  @Test("the last allowed event is read, the next is not")
  func events() throws {
    // Stream, document and sequence each begin and end; one event for each item.
    let text = "[1, 2, 3, 4]"
    #expect(throws: Never.self) { try YAML.parse(text, limits: YAMLLimits(bytes: 100, depth: 4, events: 10)) }
    #expect(try refusal(text, YAMLLimits(bytes: 100, depth: 4, events: 9)).code == .limit)
  }

  static let deep: [(String, String)] = [
    ("flow sequences", String(repeating: "[", count: 100_000)),
    ("flow sequences, a line each", String(repeating: "[\n", count: 100_000)),
    ("flow mappings", String(repeating: "{a: ", count: 100_000)),
    ("flow mappings as keys", String(repeating: "{", count: 100_000)),
    ("block sequences", String(repeating: "- ", count: 100_000)),
    ("complex keys", String(repeating: "? ", count: 100_000)),
    ("block mappings", (0..<1000).map { String(repeating: " ", count: $0) + "a:\n" }.joined()),
  ]

  @Test("a text of 100,000 levels costs no more than one of 33", arguments: deep)
  func deepText(_ name: String, _ text: String) throws {
    var error: YAMLError?
    let time = ContinuousClock().measure {
      do throws(YAMLError) { _ = try YAML.parse(text) } catch let thrown { error = thrown }
    }
    #expect(error?.code == .limit || error?.code == .type, "\(name): \(String(describing: error))")
    // Without the limit the first of these takes 17 seconds on a fast machine.
    #expect(time < .seconds(5), "\(name)")
  }

  @Test("no limits make the tree so deep that freeing it overflows the stack")
  func deepest() throws {
    let text = String(repeating: "[", count: 20_000)
    let error = try refusal(text, YAMLLimits(bytes: .max, depth: .max, events: .max))
    #expect(error.code == .limit)
    #expect(error.mark.column == YAMLLimits.deepest + 1)
  }

  @Test("100,000 keys take no quadratic time, and the one duplicate among them is found")
  func manyKeys() throws {
    let keys = (0..<100_000).map { "key-number-\($0): 1\n" }.joined()
    let clock = ContinuousClock()
    let start = clock.now
    let node = try YAML.parse(keys, limits: Self.roomy)
    guard case .mapping(let mapping) = node.kind else {
      Issue.record("not a mapping")
      return
    }
    #expect(mapping.entries.count == 100_000)
    let error = try refusal(keys + "key-number-77: 2\n", Self.roomy)
    #expect(error.code == .duplicateKey)
    #expect(error.mark == YAMLMark(line: 100_001, column: 1))
    #expect(error.reason == "the key is there twice, first in line 78")
    // Comparing all with all would be ten thousand million comparisons.
    #expect(clock.now - start < .seconds(20))
  }

  @Test("duplicates are found on both sides of the change from comparing to hashing", arguments: [1, 15, 16, 17, 40])
  func duplicates(_ count: Int) throws {
    let keys = (0..<count).map { "k\($0): 1\n" }
    #expect(throws: Never.self) { try YAML.parse(keys.joined()) }
    for twice in [0, count / 2, count - 1] {
      #expect(try refusal(keys.joined() + keys[twice]).code == .duplicateKey)
    }
  }

  @Test("ten megabytes are refused before they are read")
  func large() throws {
    let text = "a: " + String(repeating: "x", count: 10 << 20)
    #expect(try refusal(text).code == .limit)
    #expect(throws: Never.self) { try YAML.parse(text, limits: Self.roomy) }
  }
}
