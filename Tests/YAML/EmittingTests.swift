import Testing
import YAML

@Suite("Emitting")
struct EmittingTests {
  private func text(_ node: YAMLNode) -> String {
    String(decoding: YAML.emit(node), as: UTF8.self)
  }

  @Test("a message has its block form, with lists of CPUs in one line")
  func message() {
    let node: YAMLNode = .mapping([
      ("host", "node1"), ("task", "migrate vm"), ("id", "0017"), ("time-measurement", true),
      ("parameter", .mapping([("retry-counter", 3), ("vcpu-map", .flow([.flow([4]), .flow([5]), .flow([6, 7])]))])),
      ("list", .sequence([.mapping([("vm-name", "a"), ("seconds", .real(1.5))]), .mapping([("vm-name", "b")])])),
    ])
    #expect(
      text(node) == """
        host: node1
        task: migrate vm
        id: "0017"
        time-measurement: true
        parameter:
          retry-counter: 3
          vcpu-map: [[4], [5], [6, 7]]
        list:
        - vm-name: a
          seconds: 1.500000
        - vm-name: b

        """)
  }

  @Test(
    "every shape ends with one newline and has no markers",
    arguments: [
      ("a", "a\n"), (7, "7\n"), (.null, "null\n"), ("", "\"\"\n"), (.sequence([]), "[]\n"), (.mapping([]), "{}\n"),
      ("a\nb", "\"a\\nb\"\n"), (.sequence(["a", .sequence(["b"]), .sequence([])]), "- a\n- - b\n- []\n"),
      (.mapping([("a", .mapping([])), ("b", .null)]), "a: {}\nb: null\n"),
      (.flow([.mapping([("a", 1), ("b", .sequence([2]))]), .null, ""]), "[{a: 1, b: [2]}, null, \"\"]\n"),
      (.mapping([("a", "b\n\n")]), "a: \"b\\n\\n\"\n"),
    ] as [(YAMLNode, String)])
  func shapes(_ node: YAMLNode, _ expected: String) {
    #expect(text(node) == expected)
  }

  @Test("several lines become a literal, in which they look as they are")
  func literal() {
    let xml = "<domain type='kvm'>\n  <name>a &amp; b: #1</name>\n\n</domain>\n"
    #expect(
      text(.mapping([("list", .sequence([.mapping([("xml", .string(xml)), ("vcpus", 1)])]))])) == """
        list:
        - xml: |
            <domain type='kvm'>
              <name>a &amp; b: #1</name>

            </domain>
          vcpus: 1

        """)
    #expect(text(.mapping([("a", "b\nc")])) == "a: |-\n  b\n  c\n")
    #expect(text(.mapping([("a", .flow(["b\nc"]))])) == "a: [\"b\\nc\"]\n")
  }

  @Test("a long line stays one line", arguments: [100, 10_000])
  func longLine(_ words: Int) {
    let line = Array(repeating: "word", count: words).joined(separator: " ")
    #expect(text(.mapping([("a", .string(line))])) == "a: \(line)\n")
    #expect(text(.mapping([("a", .string(line + ":"))])) == "a: \"\(line):\"\n")
  }

  @Test(
    "strings that some reader takes for something else are quoted",
    arguments: [
      "", "~", "null", "Null", "NULL", "true", "True", "FALSE", "yes", "No", "ON", "off", "y", "N", "0", "7", "0017",
      "+5",
      "-5", "1.5", ".5", "5.", "-.5", "1e3", "1E-3", "1.5e+3", "0x1f", "0X1F", "0o17", "0b11", "1_000", "1,000", "1:30",
      "1:30:00.5", "0000:01:00.0", ".inf", "-.INF", ".nan", "2001-12-14", "2001-1-1", "2001-12-14t21:59:43.10-05:00",
      "2001-12-14 21:59:43", "192.168.1.1", "=", "<<", "1e", "12e03",
    ])
  func ambiguous(_ string: String) throws {
    #expect(text(.mapping([("a", .string(string))])) == "a: \"\(string)\"\n")
    #expect(text(.mapping([(string, .integer(1))])) == "\"\(string)\": 1\n")
    #expect(text(.flow([.string(string)])) == "[\"\(string)\"]\n")
  }

  @Test(
    "strings that the grammar takes for something else are quoted",
    arguments: [
      "- a", "-", "-a", "a: b", "a:", ":", ":a", "# x", "a #b", "#", " a", "a ", "? a", "?", "[a", "a]", "{", "&a",
      "*a",
      "!a", "|", ">", "'a", "\"a", "%a", "@a", "`a", ",", "---", "...", "--- a", "ä", "\u{FEFF}", "a\tb", "\\",
    ])
  func grammatical(_ string: String) throws {
    let written = text(.mapping([("a", .string(string))]))
    #expect(written.hasPrefix("a: \"") && written.hasSuffix("\"\n"), "\(written)")
    #expect(try YAML.parse(written) == .mapping([("a", .string(string))]))
  }

  @Test(
    "strings that everybody reads as strings stay plain",
    arguments: [
      "a", "migrate vm", "node-1.cluster", "fast/migfra/node1/task", "550e8400-e29b-41d4-a716-446655440000",
      "0000:0a:00.0",
      "qemu+tcp://node1/system", "it's", "a \"b\" c", "a, b", "a#b", "C++", "12 VMs", "yes sir", "n/a", "_x",
      "nullable", "1st",
      "1.2.x", "/dev/vda", "12345678-1",
    ])
  func plain(_ string: String) {
    #expect(text(.mapping([("a", .string(string))])) == "a: \(string)\n")
  }

  @Test(
    "control characters, separators and all planes survive",
    arguments: [
      "\0", "a\0b", "\u{1}\u{1F}", "\u{7F}", "\u{85}", "\u{A0}", "\u{2028}", "\u{2029}", "\u{FEFF}", "\u{FFFD}",
      "\u{FFFF}",
      "😀", "a\r\nb\r\n", "\t", "\r", "\n", "\n\n", " \n ", "a\n b", "a \nb", "\ta\nb", "a\n\tb", "\u{D7FF}\u{E000}",
      "ä\nö", "a\n\u{2028}b", "\u{10FFFF}", "e\u{301}", "a\n---\nb", "a\n...\n", "#\n#\n", "\n a", "a\n\n\n",
      "a\n\nb\n",
    ])
  func unusual(_ string: String) throws {
    for node: YAMLNode in [
      .string(string), .mapping([("a", .string(string))]), .mapping([(string, .integer(1))]),
      .sequence([.string(string), "end"]),
      .flow([.string(string)]), .flow([.mapping([(string, .string(string))])]),
      .sequence([.sequence([.string(string)]), .mapping([("a", .string(string)), ("b", 1)])]),
    ] {
      let back = try YAML.parse(YAML.emit(node))
      #expect(back == node, "\(text(node))")
    }
  }

  @Test("a key too long or too odd for a simple one survives")
  func oddKeys() throws {
    for key in [String(repeating: "k", count: 1000), String(repeating: "ä ", count: 200) + "x", "a\nb", "? a", "- a"] {
      let node: YAMLNode = .mapping([
        (key, .mapping([(key, .sequence(["a"]))])), ("b", .flow([.mapping([(key, .integer(1))])])),
      ])
      #expect(try YAML.parse(YAML.emit(node)) == node)
    }
  }

  @Test(
    "numbers have fixed decimals and no exponent",
    arguments: [
      (1.5, 6, "1.500000"), (0, 6, "0.000000"), (-0.0, 3, "0.000"), (-1.25, 2, "-1.25"), (2.0 / 3, 6, "0.666667"),
      (0.0000001, 6, "0.000000"), (-0.0000001, 6, "0.000000"), (1234567.891, 1, "1234567.9"), (3.7, 0, "4"),
      (0.05, 3, "0.050"),
      (1e20, 6, "1.0e+20"), (1.5e300, 6, "1.5e+300"), (.infinity, 6, "null"), (-.infinity, 6, "null"),
      (.nan, 6, "null"),
    ] as [(Double, Int, String)])
  func reals(_ value: Double, _ decimals: Int, _ expected: String) {
    #expect(text(.real(value, decimals: decimals)) == expected + "\n")
  }

  @Test("integers of every size are written in full")
  func integers() {
    #expect(text(.integer(UInt64.max)) == "18446744073709551615\n")
    #expect(text(.integer(Int64.min)) == "-9223372036854775808\n")
  }

  @Test("what was parsed plain is written plain, what was quoted keeps its meaning")
  func again() throws {
    for text in [
      "a: 0x15b3\n", "a: yes\n", "a: \"yes\"\n", "a: 017\n", "a: 0o17\n", "a: [1, \"2\", null]\n", "a: +5\n",
    ] {
      #expect(self.text(try YAML.parse(text)) == text)
    }
  }
}
