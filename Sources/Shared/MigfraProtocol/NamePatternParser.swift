/// Turns the text of a pattern into states, piece by piece: each piece ends where the next begins.
struct NamePatternParser {
  /// A name has 255 bytes, and a pattern is tried on each machine of a host.
  private static let longest = 1024
  /// A repeated piece is written out; more than this is nobody's name.
  private static let mostStates = 2000
  private static let deepest = 50

  private let text: [Unicode.Scalar]
  private var position = 0
  private var depth = 0

  init(_ text: String) {
    self.text = Array(text.unicodeScalars)
  }

  mutating func parse() throws(NamePattern.Flaw) -> [NamePattern.State] {
    guard text.count <= Self.longest else {
      throw NamePattern.Flaw(description: "the pattern has more than \(Self.longest) characters")
    }
    let states = try alternatives()
    guard position == text.count else { throw flaw("')' without '('") }
    return states + [.end]
  }

  private var next: Unicode.Scalar? { position < text.count ? text[position] : nil }

  private func flaw(_ what: String) -> NamePattern.Flaw {
    NamePattern.Flaw(description: "\(what) at character \(position + 1)")
  }

  private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard next == scalar else { return false }
    position += 1
    return true
  }

  /// `a|b`
  private mutating func alternatives() throws(NamePattern.Flaw) -> [NamePattern.State] {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.deepest else { throw flaw("too many groups in groups") }
    var all = try sequence()
    while take("|") {
      let other = try sequence()
      all =
        [.split(1, all.count + 2)] + shift(all, by: 1) + [.jump(all.count + 2 + other.count)]
        + shift(other, by: all.count + 2)
      guard all.count <= Self.mostStates else { throw flaw("the pattern is too large") }
    }
    return all
  }

  private mutating func sequence() throws(NamePattern.Flaw) -> [NamePattern.State] {
    var all: [NamePattern.State] = []
    while let scalar = next, scalar != "|", scalar != ")" {
      // The whole name is matched anyway.
      if scalar == "^" && position == 0 || scalar == "$" && position == text.count - 1 {
        position += 1
        continue
      }
      let piece = try repeated(try atom())
      all += shift(piece, by: all.count)
      guard all.count <= Self.mostStates else { throw flaw("the pattern is too large") }
    }
    return all
  }

  private mutating func atom() throws(NamePattern.Flaw) -> [NamePattern.State] {
    guard let scalar = next else { throw flaw("something is missing") }
    position += 1
    switch scalar {
    case ".": return [.take(.any)]
    case "[": return [.take(try bracket())]
    case "(":
      if take("?"), !take(":") { throw flaw("only (?:…) is known of what begins with '(?'") }
      let inner = try alternatives()
      guard take(")") else { throw flaw("')' is missing") }
      return inner
    case "\\": return [.take(try escape())]
    case "*", "+", "?", "{": throw flaw("nothing to repeat before '\(scalar)'")
    case "^", "$": throw flaw("'\(scalar)' is known only at the ends")
    default: return [.take(CharacterSet(scalar))]
    }
  }

  private mutating func escape() throws(NamePattern.Flaw) -> CharacterSet {
    guard let scalar = next else { throw flaw("nothing behind '\\'") }
    position += 1
    if let set = CharacterSet(class: scalar) { return set }
    switch scalar.value {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: throw flaw("'\\\(scalar)' is not known")
    default: return CharacterSet(scalar)
    }
  }

  /// `[a-z_]`, `[^0-9]`
  private mutating func bracket() throws(NamePattern.Flaw) -> CharacterSet {
    var set = CharacterSet()
    set.isInverted = take("^")
    while let scalar = next {
      position += 1
      if scalar == "]" {
        set.simplify()
        return set
      }
      if scalar == "\\" {
        let escaped = try escape()
        guard !escaped.isInverted else { throw flaw("a negated class inside '[…]'") }
        set.ranges += escaped.ranges
        continue
      }
      guard next == "-", position + 1 < text.count, text[position + 1] != "]" else {
        set.ranges.append(scalar.value...scalar.value)
        continue
      }
      position += 1
      let last = text[position]
      position += 1
      guard last != "\\", scalar.value <= last.value else { throw flaw("a range from '\(scalar)' to '\(last)'") }
      set.ranges.append(scalar.value...last.value)
    }
    throw flaw("']' is missing")
  }

  /// `*`, `+`, `?`, `{2}`, `{2,}`, `{2,5}`, each also with a `?` behind, which changes nothing for a whole match.
  private mutating func repeated(_ piece: [NamePattern.State]) throws(NamePattern.Flaw) -> [NamePattern.State] {
    guard let (least, most) = try times() else { return piece }
    _ = take("?")
    var all: [NamePattern.State] = []
    for _ in 0..<least {
      all += shift(piece, by: all.count)
      guard all.count <= Self.mostStates else { throw flaw("the pattern is too large") }
    }
    guard let most else {
      // As often as it comes: enter, and back to the beginning.
      let start = all.count
      return all + [.split(start + 1, start + piece.count + 2)] + shift(piece, by: start + 1) + [.jump(start)]
    }
    for _ in least..<max(least, most) {
      let start = all.count
      all += [.split(start + 1, start + 1 + piece.count)] + shift(piece, by: start + 1)
      guard all.count <= Self.mostStates else { throw flaw("the pattern is too large") }
    }
    return all
  }

  private mutating func times() throws(NamePattern.Flaw) -> (least: Int, most: Int?)? {
    if take("*") { return (0, nil) }
    if take("+") { return (1, nil) }
    if take("?") { return (0, 1) }
    guard take("{") else { return nil }
    let least = try number()
    var most: Int? = least
    if take(",") { most = next == "}" ? nil : try number() }
    guard take("}") else { throw flaw("'}' is missing") }
    if let most, most < least { throw flaw("from \(least) to \(most) times") }
    return (least, most)
  }

  private mutating func number() throws(NamePattern.Flaw) -> Int {
    var value: Int?
    while let scalar = next, let digit = scalar.properties.numericType == .decimal ? Int(String(scalar)) : nil {
      position += 1
      value = (value ?? 0) * 10 + digit
      guard value ?? 0 <= 1000 else { throw flaw("more than 1000 times") }
    }
    guard let value else { throw flaw("a number is missing") }
    return value
  }

  /// The same states further down.
  private func shift(_ states: [NamePattern.State], by offset: Int) -> [NamePattern.State] {
    states.map { state in
      switch state {
      case .split(let first, let second): .split(first + offset, second + offset)
      case .jump(let target): .jump(target + offset)
      case .take, .end: state
      }
    }
  }
}
