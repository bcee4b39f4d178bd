import Testing
import YAML

/// What a scalar is depends on who asks; each table is all that one type accepts and refuses.
@Suite("Scalars")
struct ScalarReadingTests {
  private func read<T: YAMLReadable>(_ text: String, as type: T.Type = T.self) throws -> T {
    try T(yaml: YAML.parse(text))
  }

  private func reason<T: YAMLReadable>(_ text: String, as type: T.Type) throws -> String {
    try #require(throws: YAMLError.self) { try T(yaml: YAML.parse(text)) }.reason
  }

  @Test("true", arguments: ["true", "yes", "on", "True", "Yes", "On", "TRUE", "YES", "ON"])
  func isTrue(_ text: String) throws {
    #expect(try read(text, as: Bool.self))
  }

  @Test("false", arguments: ["false", "no", "off", "False", "No", "Off", "FALSE", "NO", "OFF"])
  func isFalse(_ text: String) throws {
    #expect(try !read(text, as: Bool.self))
  }

  @Test(
    "no booleans",
    arguments: [
      "y", "n", "Y", "N", "0", "1", "tRUE", "yEs", "\"true\"", "'no'", "", "~", "[true]", "{a: true}", "maybe",
    ])
  func isNoBoolean(_ text: String) throws {
    #expect(try reason(text, as: Bool.self).hasPrefix("expected true or false, found "))
  }

  @Test(
    "integers",
    arguments: [
      ("0", 0), ("7", 7), ("+5", 5), ("-5", -5), ("017", 17), ("08", 8), ("-0", 0), ("0x15b3", 0x15B3), ("0xFf", 255),
      ("-0x10", -16), ("+0x10", 16), ("9223372036854775807", Int.max), ("-9223372036854775808", Int.min),
      ("-0x8000000000000000", Int.min), ("000000000000000000000000000001", 1),
    ])
  func integer(_ text: String, _ value: Int) throws {
    #expect(try read(text) == value)
  }

  @Test(
    "no integers",
    arguments: [
      "0o17", "0b11", "1_000", "1:30", "1e3", "1.0", "1.", "0x", "-", "+", "0xg", "--1", "+-1", "1 2", "0X1f", "1,000",
      "\"7\"", "'7'", "", "~", "[7]", "seven", "-0x", "x1", "٣", "1\u{300}",
    ])
  func noInteger(_ text: String) throws {
    #expect(try reason(text, as: Int.self).hasPrefix("expected an integer, found "))
  }

  @Test("an integer out of range is refused, not wrapped")
  func range() throws {
    #expect(try read("4294967295", as: UInt32.self) == .max)
    #expect(try read("18446744073709551615", as: UInt64.self) == .max)
    #expect(try read("-0", as: UInt64.self) == 0)
    #expect(try read("-128", as: Int64.self) == -128)
    #expect(
      try reason("4294967296", as: UInt32.self) == "expected an unsigned integer up to 4294967295, found '4294967296'")
    #expect(try reason("-1", as: UInt64.self).hasSuffix("found '-1'"))
    for text in ["18446744073709551616", "18446744073709551620", "0x10000000000000000", "99999999999999999999999"] {
      #expect(try reason(text, as: UInt64.self).hasPrefix("expected an unsigned integer up to 18446744073709551615"))
    }
    for text in ["9223372036854775808", "-9223372036854775809", "0xffffffffffffffff", "-0x8000000000000001"] {
      #expect(try reason(text, as: Int.self).hasPrefix("expected an integer from -9223372036854775808 to 922337203685"))
    }
    #expect(try reason("256", as: UInt8.self) == "expected an unsigned integer up to 255, found '256'")
  }

  @Test(
    "numbers",
    arguments: [
      ("0", 0), ("1.5", 1.5), ("-1.5", -1.5), ("+.5", 0.5), ("5.", 5), ("1e3", 1000), ("1.5E-3", 0.0015), ("017", 17),
      ("0.1", 0.1), ("0.000001", 0.000001), ("123456789.123456", 123456789.123456),
      ("3.141592653589793", 3.141592653589793),
      ("1234567890123456789", 0x1.12210f47de981p60), ("1e-400", 0),
      ("1.7976931348623157e308", .greatestFiniteMagnitude),
      ("0.123456789012345", 0.123456789012345), ("999999999999999", 999999999999999), ("1e+2", 100),
    ])
  func number(_ text: String, _ value: Double) throws {
    #expect(try read(text) == value)
  }

  @Test(
    "no numbers",
    arguments: [
      ".inf", "-.inf", ".nan", "inf", "nan", "infinity", "1e999", "0x10", "1_0.5", "1:30.5", ".", "-", "+", "e3", ".e3",
      "1e", "1e+", "1.5.5", "1.5e3.5", "\"1.5\"", "", "~", "[1.5]", "1,5", " '1'", "0x1p3",
    ])
  func noNumber(_ text: String) throws {
    #expect(try reason(text, as: Double.self).hasPrefix("expected a number, found "))
  }

  @Test(
    "strings",
    arguments: [
      ("0017", "0017"), ("true", "true"), ("1.5", "1.5"), ("yes", "yes"), ("\"~\"", "~"), ("''", ""),
      ("'null'", "null"),
      ("a b", "a b"), ("\"a\\tb\\u00e4\"", "a\tbä"), ("|\n  a\n  b\n", "a\nb\n"), (">\n  a\n  b\n", "a b\n"),
      ("nUll", "nUll"),
      ("2001-12-14", "2001-12-14"), ("'it''s'", "it's"), ("ü 😀", "ü 😀"),
    ])
  func string(_ text: String, _ value: String) throws {
    #expect(try read(text) == value)
  }

  @Test("no strings", arguments: ["", "~", "null", "Null", "NULL", "[a]", "{a: b}", "# nothing", "---"])
  func noString(_ text: String) throws {
    #expect(try reason(text, as: String.self).hasPrefix("expected a string, found "))
  }

  @Test("a string with a NUL inside is no string: C would read another name")
  func nul() throws {
    #expect(
      try reason("\"a\\0b\"", as: String.self)
        == "expected a string without NUL characters, found the string 'a\\u{0}b'")
  }

  @Test("lists, in flow and block form alike", arguments: ["[[4], [5], [6, 7]]", "- - 4\n- - 5\n- - 6\n  - 7\n"])
  func lists(_ text: String) throws {
    #expect(try read(text) == [[4], [5], [6, 7]])
  }

  @Test("a list's error names the item")
  func listError() throws {
    let node = try YAML.parse("[[4],\n [5, x]]")
    let error = try #require(throws: YAMLError.self) { try [[Int]](yaml: node) }
    #expect(error.path == "[1][1]")
    #expect(error.mark == YAMLMark(line: 2, column: 6))
    #expect(try reason("4", as: [Int].self) == "expected a list, each item an integer, found '4'")
    #expect(try reason("", as: [Int].self) == "expected a list, each item an integer, found nothing")
  }

  enum Mode: String, CaseIterable, YAMLReadable { case auto, compact, scatter }

  @Test("an enum of words lists them when another is given")
  func choices() throws {
    #expect(try read("scatter") == Mode.scatter)
    #expect(try reason("fast", as: Mode.self) == "expected one of auto, compact, scatter, found 'fast'")
    #expect(try reason("[auto]", as: Mode.self) == "expected one of auto, compact, scatter, found a list")
  }

  @Test("what was found is cut and made harmless before it is put into a message")
  func found() throws {
    let long = String(repeating: "x", count: 100)
    #expect(YAMLNode.string(long).found == "the string '\(String(repeating: "x", count: 60))...'")
    #expect(YAMLNode.string("a\nb\u{1B}[2J\u{202E}").found == "the string 'a\\u{a}b\\u{1b}[2J\\u{202e}'")
  }
}
