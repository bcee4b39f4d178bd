import Testing
import YAML

@Suite("Nodes")
struct YAMLNodeTests {
  @Test("equality is about what a reader gets")
  func equality() throws {
    #expect(try YAML.parse("a") == YAML.parse("\"a\""))
    #expect(try YAML.parse("[a, b]") == YAML.parse("- a\n- b\n"))
    #expect(try YAML.parse("{a: 1}") == YAML.parse("\n\na: 1\n"))
    #expect(try YAML.parse("~") == YAML.parse(""))
    #expect(try YAML.parse("NULL") == .null)
    #expect(try YAML.parse("1:30") == "1:30")
    #expect(try YAML.parse("7") != YAML.parse("\"7\""))
    #expect(try YAML.parse("yes") != "yes")
    #expect(try YAML.parse("~") != "~")
    #expect(try YAML.parse("''") != .null)
    #expect(try YAML.parse("{a: 1, b: 2}") != YAML.parse("{b: 2, a: 1}"))
    #expect(YAMLNode.sequence([]) != .mapping([]))
  }

  @Test("equal scalars have equal hashes")
  func hashes() {
    let scalars: Set = [
      YAMLScalar("~", isPlain: true), YAMLScalar("", isPlain: true), YAMLScalar("a", isPlain: true),
      YAMLScalar("a", isPlain: false), YAMLScalar("7", isPlain: true), YAMLScalar("7", isPlain: false),
    ]
    #expect(scalars.count == 4)
  }

  @Test("null is plain and says so in few ways")
  func null() throws {
    for text in ["", "~", "null", "Null", "NULL", "# comment", "---", "---\n...\n"] {
      #expect(try YAML.parse(text).isNull, "\(text)")
    }
    for text in ["\"~\"", "''", "nULL", "none", "[]", "{}"] { #expect(try !YAML.parse(text).isNull, "\(text)") }
  }

  @Test("literals make strings, integers and booleans")
  func literals() {
    let node: YAMLNode = .mapping([("a", "7"), ("b", 7), ("c", true)])
    #expect(node == .mapping([("a", .string("7")), ("b", .integer(7)), ("c", .boolean(true))]))
    #expect(node != .mapping([("a", 7), ("b", 7), ("c", true)]))
  }

  @Test("every node knows its place, keys too")
  func marks() throws {
    let root = try YAML.parse("---\nlist:\n  - vm-name: ä\n    memory:   7\n")
    guard case .mapping(let mapping) = root.kind, case .sequence(let items, _)? = mapping["list"]?.kind,
      case .mapping(let item) = items[0].kind
    else {
      Issue.record("another shape")
      return
    }
    #expect(root.mark == YAMLMark(line: 2, column: 1))
    #expect(items[0].mark == YAMLMark(line: 3, column: 5))
    #expect(item.entries[0].keyMark == YAMLMark(line: 3, column: 5))
    #expect(item.entries[1].keyMark == YAMLMark(line: 4, column: 5))
    #expect(item["memory"]?.mark == YAMLMark(line: 4, column: 15))
    #expect(item["cpus"] == nil)
    #expect(YAMLNode.null.mark == .none)
  }

  @Test("an error reads as one line: place, path, reason")
  func errorText() {
    let mark = YAMLMark(line: 3, column: 7)
    #expect(
      YAMLError(.type, "expected an unsigned integer, found 'abc'", at: mark, path: "parameter.memory").description
        == "line 3, column 7: parameter.memory: expected an unsigned integer, found 'abc'")
    #expect(YAMLError(.limit, "too much").description == "too much")
    #expect(YAMLError(.syntax, "odd", at: mark).description == "line 3, column 7: odd")
    #expect(YAMLError(.missing, "required", path: "a").description == "a: required")
  }
}
