import YAML

/// Trees of every shape with the strings that readers and writers of YAML stumble over; the same seed, the same tree.
struct RandomTrees {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  /// SplitMix64.
  private mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }

  private mutating func below(_ limit: Int) -> Int {
    Int(next() % UInt64(limit))
  }

  private static let words = [
    "", "~", "null", "true", "no", "y", "0017", "1.5", "-1", "+.5", "1e3", "0x1f", "0o7", "1:30", "1_000", "2001-01-01",
    "---", "...", "- a", "? a", "a: b", "a:", ":a", "# x", "a #b", "<<", "=", "&a", "*a", "!a", "!!int", "%TAG", "@",
    "`",
    "|", ">", "'", "\"", "\\", "\\n", "[", "]", "{", "}", ",", "a,b", "[a]", "{a: b}", " ", "  ", " a", "a ", "\t",
    "\n",
    "\n\n", "a\n", "a\nb", "a\n\n", " a\nb", "a \nb", "a\n b\n", "\na", "a\r\nb", "\0", "\u{7}", "\u{7F}", "\u{85}",
    "\u{A0}",
    "\u{2028}", "\u{2029}", "\u{FEFF}", "\u{FFFE}", "😀", "ä", "e\u{301}", "migrate vm", "node1", "vm-name", ".inf",
    ".nan",
  ]
  private static let pieces = Array(" \n\t:-#,[]{}&*!|>'\"%@`?~=<.0123aAeExyn\\/_+\r\u{85}\u{2028}\u{FEFF}ä😀\0")
    .map(String.init)

  mutating func string() -> String {
    switch below(4) {
    case 0, 1: return Self.words[below(Self.words.count)]
    case 2: return (0..<below(8)).map { _ in Self.pieces[below(Self.pieces.count)] }.joined()
    default:
      return (0..<below(4)).map { _ in Self.words[below(Self.words.count)] }
        .joined(separator: ["", " ", "\n"][below(3)])
    }
  }

  mutating func scalar() -> YAMLNode {
    switch below(8) {
    case 0: .integer(Int64(bitPattern: next()) >> Int64(below(64)))
    case 1: .integer(next())
    case 2: .boolean(next() % 2 == 0)
    case 3: .null
    case 4: .real(Double(Int64(bitPattern: next()) >> 20) / 1000, decimals: below(10))
    default: .string(string())
    }
  }

  mutating func tree(depth: Int = 6) -> YAMLNode {
    guard depth > 0 else { return scalar() }
    switch below(6) {
    case 0, 1:
      let items = (0..<below(5)).map { _ in tree(depth: depth - 1) }
      return next() % 3 == 0 ? .flow(items) : .sequence(items)
    case 2, 3, 4:
      var keys: Set<String> = []
      return .mapping(
        (0..<below(6)).map { _ in (string(), tree(depth: depth - 1)) }.filter { keys.insert($0.0).inserted })
    default:
      return scalar()
    }
  }

  /// The text with some bytes changed, dropped, doubled or put in.
  mutating func damaged(_ text: [UInt8]) -> [UInt8] {
    var text = text
    for _ in 0...below(4) where !text.isEmpty {
      let place = below(text.count)
      switch below(4) {
      case 0: text[place] = UInt8(truncatingIfNeeded: next())
      case 1: text.remove(at: place)
      case 2: text.insert(contentsOf: text[place..<min(text.count, place + below(20))], at: place)
      default: text.insert(contentsOf: Self.pieces[below(Self.pieces.count)].utf8, at: place)
      }
    }
    return text
  }
}
