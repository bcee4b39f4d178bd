import MigfraProtocol
import Testing

@Suite("Patterns for names")
struct NamePatternTests {
  struct Example: Sendable {
    var pattern: String
    var matching: [String]
    var others: [String]

    init(_ pattern: String, _ matching: [String], not others: [String]) {
      self.pattern = pattern
      self.matching = matching
      self.others = others
    }
  }

  static let examples = [
    Example(".*", ["", "vm1", "ä"], not: []), Example("vm1", ["vm1"], not: ["vm", "vm11", "xvm1"]),
    Example("vm.", ["vm1", "vmx"], not: ["vm", "vm12"]),
    Example("vm[0-9]+", ["vm1", "vm42"], not: ["vm", "vma", "vm1a"]),
    Example(#"vm\d{2}"#, ["vm42"], not: ["vm1", "vm421"]),
    Example(#"vm\d{1,3}"#, ["vm1", "vm42", "vm421"], not: ["vm", "vm4219"]),
    Example(#"vm\d{2,}"#, ["vm42", "vm4219"], not: ["vm4"]),
    Example("(a|b)c?", ["a", "b", "ac", "bc"], not: ["c", "ab", "acc"]),
    Example("a|bc|", ["a", "bc", ""], not: ["abc", "b"]),
    Example("[^-]*-node", ["x-node", "-node"], not: ["x-y-node"]), Example("^vm.*$", ["vm1"], not: ["xvm1"]),
    Example(#"(?:vm|guest)-\w+"#, ["vm-a_1", "guest-x"], not: ["vm-", "vm-a b"]),
    Example("a.?b", ["ab", "axb"], not: ["axxb"]),
    Example(#"a\.b"#, ["a.b"], not: ["axb"]), Example("[a-]", ["a", "-"], not: ["b"]),
    Example("[]", [], not: ["", "a"]),
    Example("(a*)*b", ["b", "aab"], not: ["aa"]), Example("a{0}", [""], not: ["a"]),
    Example("(ab){2}", ["abab"], not: ["ab", "ababab"]), Example(#"[\d_]+"#, ["1_2"], not: ["a"]),
    Example("a+?", ["a", "aa"], not: [""]),
  ]

  @Test("the whole name is matched", arguments: examples)
  func whole(example: Example) throws {
    let pattern = try NamePattern(example.pattern)
    for name in example.matching { #expect(pattern.matches(name), "\(name)") }
    for name in example.others { #expect(!pattern.matches(name), "\(name)") }
  }

  @Test(
    "what cannot be is refused with its place",
    arguments: [
      ("*", "nothing to repeat before '*' at character 2"), ("a**", "nothing to repeat"), ("(a", "')' is missing"),
      ("a)", "')' without '('"), ("[a", "']' is missing"), ("a{2", "'}' is missing"), ("a{x}", "a number is missing"),
      ("a{3,2}", "from 3 to 2 times"), ("a{2000}", "more than 1000 times"), (#"\1"#, "not known"),
      ("(?=a)", "only (?:…)"), ("a^b", "only at the ends"), (#"\"#, "nothing behind"),
      ("[z-a]", "a range from 'z' to 'a'"), ("((a{1000}){1000})", "too large"),
      (String(repeating: "(", count: 100), "too many groups"),
    ])
  func flaws(text: String, expected: String) {
    let flaw = #expect(throws: NamePattern.Flaw.self) { try NamePattern(text) }
    #expect(flaw?.description.contains(expected) == true, "\(String(describing: flaw))")
  }

  @Test("The largest pattern takes no long time for all machines of a large host", .timeLimit(.minutes(10)))
  func largest() throws {
    let letters = (0..<400).map { String(UnicodeScalar(0x4E00 + 2 * $0) ?? "x") }.joined()
    let pattern = try NamePattern("([a\(letters)]?){990}")
    let name = String(repeating: "a", count: 255)
    let duration = ContinuousClock().measure { for _ in 0..<3 { #expect(pattern.matches(name)) } }
    #expect(duration < .seconds(30), "without optimisation, beside other tests")
    let tooLong = #expect(throws: NamePattern.Flaw.self) {
      try NamePattern("([\(String(repeating: letters, count: 1000))]?){990}")
    }
    #expect(tooLong?.description == "the pattern has more than 1024 characters")
  }

  @Test("Characters that are named in many ways are the same set")
  func ranges() throws {
    let pattern = try NamePattern("[c-ea-bdx-zd-g0]+")
    #expect(pattern.matches("abcdefgxyz0"))
    for other in ["h", "w", "1", "`", "A"] { #expect(!pattern.matches(other)) }
    #expect(try NamePattern("[^a-cb-d]").matches("e"))
    #expect(try !NamePattern("[^a-cb-d]").matches("d"))
  }

  @Test(
    "patterns that make others run away are harmless", arguments: ["(a*)*b", "(a|aa)+b", "(a|a)*b", "(.*a){20}b"])
  func runaway(text: String) throws {
    // Backtracking takes more steps here than there are atoms; this is one pass over 255 characters.
    let name = String(repeating: "a", count: 255)
    #expect(try !NamePattern(text).matches(name))
  }
}
