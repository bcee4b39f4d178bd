import Testing
import YAML

/// Input that someone might send to stop a daemon, or that other readers are known to misread.
@Suite("Hostile and odd input")
struct HostileInputTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var text: [UInt8]
    var code: YAMLError.Code
    var mark: YAMLMark
    var testDescription: String { name }

    init(_ name: String, _ text: String, _ code: YAMLError.Code, _ line: Int, _ column: Int) {
      self.init(name, Array(text.utf8), code, line, column)
    }

    init(_ name: String, _ bytes: [UInt8], _ code: YAMLError.Code, _ line: Int, _ column: Int) {
      self.name = name
      self.text = bytes
      self.code = code
      mark = YAMLMark(line: line, column: column)
    }
  }

  static let laughs = (1...9).reduce("a0: &a0 [lol]\n") { text, level in
    text + "a\(level): &a\(level) [\((0..<9).map { _ in "*a\(level - 1)" }.joined(separator: ", "))]\n"
  }

  static let mergeBomb = (1...9).reduce("m0: &m0 {a: 1}\n") { text, level in
    text + "m\(level): &m\(level)\n  <<: [\((0..<9).map { _ in "*m\(level - 1)" }.joined(separator: ", "))]\n"
  }

  static let refused: [Case] = [
    Case("billion laughs", laughs, .forbidden, 1, 5),
    Case("billion laughs as keys", "&a a: 1\n? *a\n: 2\n", .forbidden, 1, 1),
    Case("nested merge keys", mergeBomb, .forbidden, 1, 5),
    Case("an anchor on a scalar", "task: &t stop vm\n", .forbidden, 1, 7),
    Case("an anchor on a mapping", "a:\n  &m\n  b: 1\n", .forbidden, 2, 3),
    Case("an anchor on a key", "a: 1\n&k b: 2\n", .forbidden, 2, 1),
    Case("an alias without an anchor", "a: 1\nb: *a\n", .forbidden, 2, 4),
    Case("a core tag", "a: !!int 7\n", .forbidden, 1, 4),
    Case("a private tag", "a: !mytag 7\n", .forbidden, 1, 4),
    Case("a tag on a sequence", "a: !!set [b]\n", .forbidden, 1, 4),
    Case("a tag on a mapping", "--- !!map\na: 1\n", .forbidden, 1, 5),
    Case("the tag that says there is none", "a: ! 7\n", .forbidden, 1, 4),
    Case("a tag directive", "%TAG ! tag:example.org,2000:\n---\na: 1\n", .forbidden, 1, 1),
    Case("a merge key", "a:\n  <<: {b: 1}\n", .forbidden, 2, 3),
    Case("a duplicate key", "a: 1\nb:\n  c: 1\n  c: 2\n", .duplicateKey, 4, 3),
    Case("a duplicate key by other quotes", "{a: 1, \"a\": 2}", .duplicateKey, 1, 8),
    Case("two documents", "---\na: 1\n---\nb: 2\n", .forbidden, 3, 1),
    Case("a second document that says null", "a: 1\n---\n~\n", .forbidden, 2, 1),
    Case("three documents, two of them empty", "a: 1\n---\n---\n", .forbidden, 2, 1),
    Case("an empty document first", "---\n---\na: 1\n", .forbidden, 2, 1),
    Case("a key that is a list", "[a, b]: 1\n", .type, 1, 1),
    Case("a key that is a mapping", "? {a: 1}\n: 1\n", .type, 1, 3),
    Case("a key that is nothing", "?\n: 2\n", .type, 1, 2),
    Case("UTF-16 with a mark, little endian", [0xFF, 0xFE, 0x61, 0x00], .syntax, 1, 1),
    Case("UTF-16 with a mark, big endian", [0xFE, 0xFF, 0x00, 0x61], .syntax, 1, 1),
    Case("UTF-16 without a mark", [0x61, 0x00, 0x3A, 0x00], .syntax, 1, 2),
    Case("a cut UTF-8 sequence", Array("a: 1\nb: x".utf8) + [0xC3], .syntax, 2, 5),
    Case("an overlong UTF-8 sequence", Array("a: ".utf8) + [0xC0, 0xAF], .syntax, 1, 4),
    Case("a surrogate in UTF-8", Array("a: ".utf8) + [0xED, 0xA0, 0x80], .syntax, 1, 4),
    Case("a stray continuation byte", Array("a: ü ".utf8) + [0x80], .syntax, 1, 6),
    Case("a NUL byte", "a: b\0c\n", .syntax, 1, 5),
    Case("an escape character", "a: b\u{1B}c\n", .syntax, 1, 5),
    Case("an unclosed list", "a: [1, 2\n", .syntax, 2, 1),
    Case("an unclosed string", "a: \"b\n", .syntax, 2, 1),
    Case("a tab as indentation", "a:\n\tb: 1\n", .syntax, 2, 1),
    Case("two values", "a: b: c\n", .syntax, 1, 5),
    Case("a wrong indentation", "a:\n    b: 1\n  c: 2\n", .syntax, 3, 3),
    Case("text behind the end", "a: 1\n...\nb: 2\n", .syntax, 3, 1),
    Case("YAML 2", "%YAML 2.0\n---\na: 1\n", .syntax, 1, 1),
  ]

  @Test("is refused, and the place is named", arguments: refused)
  func isRefused(_ sample: Case) throws {
    let error = try #require(throws: YAMLError.self) { try YAML.parse(sample.text) }
    #expect(error.code == sample.code, "\(error)")
    #expect(error.mark == sample.mark, "\(error)")
  }

  @Test(
    "a path leads to what is refused",
    arguments: [
      ("parameter:\n  vcpu-map: [[4], [5], &a [6]]\n", "parameter.vcpu-map[2]"),
      ("parameter:\n  memory: 1\n  memory: 2\n", "parameter.memory"),
      ("- a: 1\n- b: !x 1\n", "[1].b"),
      ("list:\n- vm-name: a\n- vm-name: b\n  <<: c\n", "list[1]"),
      ("a: 1\n: 2\n", ""),
    ])
  func path(_ text: String, _ path: String) throws {
    let error = try #require(throws: YAMLError.self) { try YAML.parse(text) }
    #expect(error.path == path, "\(error)")
  }

  @Test(
    "what only looks dangerous is accepted",
    arguments: [
      ("a: \"&b *c !d <<\"\n", YAMLNode.mapping([("a", "&b *c !d <<")])),
      ("\"<<\": 1\n", .mapping([("<<", 1)])),
      ("a: <<\n", .mapping([("a", "<<")])),
      ("%YAML 1.1\n---\na: 1\n", .mapping([("a", 1)])),
      ("\u{FEFF}a: 1\n", .mapping([("a", 1)])),
      ("---\na: 1\n---\n", .mapping([("a", 1)])),
      ("---\na: 1\n---", .mapping([("a", 1)])),
      ("---\na: 1\n...\n", .mapping([("a", 1)])),
      ("a: 1\n...\n---\n...\n", .mapping([("a", 1)])),
      ("\"\": 1\n", .mapping([("", 1)])),
      ("{a, b}\n", .mapping([("a", .null), ("b", .null)])),
    ] as [(String, YAMLNode)])
  func isAccepted(_ text: String, _ node: YAMLNode) throws {
    #expect(try YAML.parse(text) == node)
  }

  @Test("a byte order mark does not shift the columns")
  func byteOrderMark() throws {
    let error = try #require(throws: YAMLError.self) { try YAML.parse("\u{FEFF}a: &b 1\n") }
    #expect(error.mark == YAMLMark(line: 1, column: 4))
  }
}
