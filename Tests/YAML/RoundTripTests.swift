import Testing
import YAML

@Suite("Round trip")
struct RoundTripTests {
  static let limits = YAMLLimits(bytes: 10 << 20, depth: 32, events: 1_000_000)

  @Test("every tree is read back as it was written", arguments: 0..<40)
  func roundTrip(_ round: UInt64) throws {
    for seed in round * 50..<(round + 1) * 50 {
      var trees = RandomTrees(seed: seed)
      let tree = trees.tree()
      let text = YAML.emit(tree)
      let back = try YAML.parse(text, limits: Self.limits)
      #expect(back == tree, "seed \(seed): \(String(decoding: text, as: UTF8.self).debugDescription)")
      #expect(YAML.emit(back) == text, "seed \(seed): the second text differs")
      #expect(text.last == UInt8(ascii: "\n"))
    }
  }

  @Test(
    "a damaged text is refused with a place in it, or read as another tree that makes the round trip", arguments: 0..<40
  )
  func damage(_ round: UInt64) throws {
    var refused = 0
    for seed in round * 50..<(round + 1) * 50 {
      var trees = RandomTrees(seed: seed)
      let text = trees.damaged(YAML.emit(trees.tree()))
      do throws(YAMLError) {
        let tree = try YAML.parse(text, limits: Self.limits)
        let again = try YAML.parse(YAML.emit(tree), limits: Self.limits)
        #expect(again == tree, "seed \(seed): \(String(decoding: text, as: UTF8.self).debugDescription)")
      } catch {
        refused += 1
        let lines = text.count { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") } + 1
        // U+0085, U+2028 and U+2029 end lines as well: two or three bytes each.
        #expect(
          (1...lines + text.count / 2).contains(error.mark.line) && error.mark.column >= 1, "seed \(seed): \(error)")
      }
    }
    #expect(refused > 0, "nothing was damaged enough")
  }
}
