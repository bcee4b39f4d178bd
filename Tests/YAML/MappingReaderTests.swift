import Testing
import YAML

@Suite("MappingReader")
struct MappingReaderTests {
  struct VM: Equatable {
    var name: String
    var memory: UInt64?

    init(_ reader: inout MappingReader) throws(YAMLError) {
      name = try reader.required("vm-name")
      memory = try reader.optional("memory")
    }
  }

  private func reader(_ text: String, path: String = "") throws -> MappingReader {
    try MappingReader(YAML.parse(text), path: path)
  }

  private func refusal(_ body: () throws -> Void) throws -> YAMLError {
    try #require(throws: YAMLError.self) { try body() }
  }

  @Test("reads values in any order")
  func values() throws {
    var reader = try reader("a: 1\nb: [x, y]\nc: yes\nd: 1.5\n")
    #expect(try reader.required("d", as: Double.self) == 1.5)
    #expect(try reader.required("a", as: Int.self) == 1)
    #expect(try reader.optional("c", as: Bool.self) == true)
    #expect(try reader.required("b", as: [String].self) == ["x", "y"])
    #expect(try reader.required("a", as: UInt32.self) == 1)
    #expect(reader.unread.isEmpty)
    #expect(throws: Never.self) { try reader.refuseUnread() }
  }

  @Test("only a mapping can be read", arguments: [("7", "'7'"), ("[a]", "a list"), ("", "nothing")])
  func noMapping(_ text: String, _ found: String) throws {
    let error = try refusal { _ = try reader(text, path: "a.b") }
    #expect(error.code == .type)
    #expect(error.path == "a.b")
    #expect(error.reason == "expected a mapping, found \(found)")
  }

  @Test("a required key that is missing names the mapping's place")
  func missing() throws {
    var reader = try reader("\nb: 1\n")
    let error = try refusal { _ = try reader.required("a", as: String.self) }
    #expect(error == YAMLError(.missing, "required, expected a string", at: YAMLMark(line: 2, column: 1), path: "a"))
  }

  @Test("a required key that is null is of the wrong type")
  func requiredNull() throws {
    var reader = try reader("a:\n")
    let error = try refusal { _ = try reader.required("a", as: String.self) }
    #expect(error.code == .type)
    #expect(error.reason == "expected a string, found nothing")
  }

  @Test("an optional key may be absent or null, but not of the wrong type")
  func optional() throws {
    var reader = try reader("a: ~\nb: x\n")
    #expect(try reader.optional("a", as: Int.self) == nil)
    #expect(try reader.optional("c", as: Int.self) == nil)
    let error = try refusal { _ = try reader.optional("b", as: UInt64.self) }
    #expect(error.description == "line 2, column 4: b: expected an unsigned integer, found 'x'")
  }

  @Test("paths grow through mappings and lists")
  func paths() throws {
    var reader = try reader("parameter:\n  swap-with:\n    vcpu-map: [[1], [2, x]]\nlist:\n- vm-name: a\n- memory: 1\n")
    var parameter = try #require(try reader.reader("parameter"))
    var swap = try #require(try parameter.reader("swap-with"))
    #expect(swap.path == "parameter.swap-with")
    #expect(swap.mark == YAMLMark(line: 3, column: 5))
    #expect(
      try refusal { _ = try swap.required("vcpu-map", as: [[Int]].self) }.path == "parameter.swap-with.vcpu-map[1][1]")
    let error = try refusal { _ = try reader.list("list", VM.init) }
    #expect(error.description == "line 6, column 3: list[1].vm-name: required, expected a string")
  }

  @Test("a path given at the start stands in front")
  func startPath() throws {
    var reader = try reader("a: {b: x}", path: "file")
    var child = try #require(try reader.reader("a"))
    #expect(try refusal { _ = try child.required("b", as: Int.self) }.path == "file.a.b")
  }

  @Test("lists of mappings are read item by item")
  func list() throws {
    var reader = try reader(
      "list:\n- {vm-name: a}\n- {vm-name: b, memory: 5}\nempty: []\nnull: ~\nwrong: [a]\nother: 7\n")
    let vms = try #require(try reader.list("list", VM.init))
    #expect(vms.map(\.name) == ["a", "b"])
    #expect(vms.map(\.memory) == [nil, 5])
    #expect(try reader.list("empty", VM.init) == [])
    #expect(try reader.list("null", VM.init) == nil)
    #expect(try reader.list("absent", VM.init) == nil)
    #expect(
      try refusal { _ = try reader.list("wrong", VM.init) }.description.hasSuffix(
        "wrong[0]: expected a mapping, found 'a'"))
    #expect(
      try refusal { _ = try reader.list("other", VM.init) }.description.hasSuffix(
        "other: expected a list of mappings, found '7'"))
  }

  @Test("a nested reader is absent like a value")
  func absentReader() throws {
    var reader = try reader("a: ~\nb: 7\n")
    #expect(try reader.reader("a") == nil)
    #expect(try reader.reader("c") == nil)
    #expect(try refusal { _ = try reader.reader("b") }.path == "b")
  }

  @Test("keys nobody asked for are known with their places, those of children too")
  func unread() throws {
    var reader = try reader("x: 1\nparameter:\n  y: {z: 1}\n  a: 1\nlist:\n- vm-name: a\n- {vm-name: b, q: 1}\n")
    var parameter = try #require(try reader.reader("parameter"))
    _ = try parameter.required("a", as: Int.self)
    reader.absorb(parameter)
    _ = try reader.list("list", VM.init)
    #expect(reader.unread.map(\.path) == ["x", "parameter.y", "list[1].q"])
    #expect(reader.unread.map(\.mark) == [(1, 1), (3, 3), (7, 16)].map { YAMLMark(line: $0, column: $1) })
    let error = try refusal { try reader.refuseUnread() }
    #expect(error == YAMLError(.unknownKey, "unknown key", at: YAMLMark(line: 1, column: 1), path: "x"))
  }

  @Test("looking at a node counts as reading it")
  func node() throws {
    var reader = try reader("a: ~\nb: 1\n")
    #expect(reader.node("a")?.isNull == true)
    #expect(reader.node("c") == nil)
    #expect(reader.unread.map(\.path) == ["b"])
  }

  @Test(
    "a likely misspelling gets a suggestion",
    arguments: [
      ("keepalve", "keepalive"), ("keep-alive", "keepalive"), ("KeepAlive", "keepalive"),
      ("retry_counter", "retry-counter"),
      ("hots", "host"), ("hst", "host"), ("qqqq", nil), ("prot", "port"), ("id2", nil), ("x", nil),
    ] as [(String, String?)])
  func suggestion(_ key: String, _ nearest: String?) throws {
    let reader = try reader("\(key): 1\n")
    let error = try refusal { try reader.refuseUnread(known: ["host", "port", "keepalive", "retry-counter", "uri"]) }
    #expect(error.reason == "unknown key" + (nearest.map { ", did you mean '\($0)'?" } ?? ""))
  }

  @Test("keys asked for in vain are suggested without being listed, from children too")
  func suggestionByItself() throws {
    var reader = try reader("list:\n- vm-name: a\n  memroy: 5\n")
    _ = try reader.list("list", VM.init)
    #expect(
      try refusal { try reader.refuseUnread() }.description
        == "line 3, column 3: list[0].memroy: unknown key, did you mean 'memory'?")
  }

  @Test("a large mapping is read and checked in one pass each")
  func large() throws {
    let count = 20_000
    var reader = try reader((0..<count).map { "k\($0): \($0)\n" }.joined())
    for index in 0..<count { #expect(try reader.required("k\(index)", as: Int.self) == index) }
    #expect(reader.unread.isEmpty)
    var half = try self.reader((0..<count).map { "k\($0): \($0)\n" }.joined())
    for index in stride(from: 0, to: count, by: 2) { _ = half.node("k\(index)") }
    #expect(half.unread.count == count / 2)
  }

  @Test("an error of the caller's own gets place and path")
  func ownError() throws {
    var reader = try reader("a:\n  port: 99999\n")
    let child = try #require(try reader.reader("a"))
    #expect(child.error("too large", key: "port").description == "line 2, column 9: a.port: too large")
    #expect(child.error("port or socket", code: .missing).description == "line 2, column 3: a: port or socket")
  }
}
