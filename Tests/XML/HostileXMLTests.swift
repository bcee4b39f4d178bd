import Testing
import XML

@Suite("XML that means harm")
struct HostileXMLTests {
  @Test(
    "What is not XML is refused with its line",
    arguments: [
      ("", 1), ("   \n ", 2), ("text", 1), ("<a>\n<b>\n</a>", 3), ("<a", 1), ("<a b='1'\n b='2'/>", 2), ("<a/><b/>", 1),
      ("<a>&unknown;</a>", 1), ("<a>\n&#0;</a>", 2), ("<a>\u{1}</a>", 1), ("<a b='<'/>", 1), ("<a/>trailing", 1),
      ("<a>\n\n\0</a>", 3), ("<a/>\0<b/>", 1),
    ])
  func malformed(text: String, line: Int) {
    let error = #expect(throws: XMLError.self) { try XMLTree(parsing: text) }
    #expect(error?.code == .syntax)
    #expect(error?.line == line, "\(text.debugDescription): \(error?.description ?? "")")
  }

  @Test(
    "A DOCTYPE is refused before its declarations are read",
    arguments: [
      "<!DOCTYPE a><a/>", "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
      "<!DOCTYPE a PUBLIC '-//x' 'http://localhost:1/x.dtd'><a/>",
      "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
      "<!DOCTYPE a [<!ENTITY % x SYSTEM 'http://localhost:1/x'> %x;]><a/>",
      "<?xml version='1.0'?>\n<!-- c --><!DOCTYPE a [<!ATTLIST a b CDATA 'c'>]><a/>", "<!DOCTYPE a [ not even wrong",
    ])
  func doctype(text: String) {
    let error = #expect(throws: XMLError.self) { try XMLTree(parsing: text) }
    #expect(error?.code == .forbidden)
  }

  @Test("Laughs do not multiply", .timeLimit(.minutes(10)))
  func billionLaughs() {
    var text = "<!DOCTYPE lolz [<!ENTITY l0 'lol'>"
    for level in 1...30 {
      text += "<!ENTITY l\(level) '" + String(repeating: "&l\(level - 1);", count: 10) + "'>"
    }
    text += "]><lolz a='&l30;'>&l30;</lolz>"
    let error = #expect(throws: XMLError.self) { try XMLTree(parsing: text) }
    #expect(error?.code == .forbidden)
  }

  @Test("Words of a DOCTYPE in a text are text")
  func quotedDoctype() throws {
    #expect(try XMLTree(parsing: "<a><!-- <!DOCTYPE a> --><![CDATA[<!DOCTYPE a>]]></a>").text == "<!DOCTYPE a>")
  }

  @Test("More than a mebibyte is not read, a mebibyte is", .timeLimit(.minutes(10)))
  func size() throws {
    let filling = XMLTree.largestText - "<a></a>".utf8.count
    #expect(try XMLTree(parsing: "<a>\(String(repeating: "x", count: filling))</a>").text.utf8.count == filling)
    let error = #expect(throws: XMLError.self) {
      try XMLTree(parsing: "<a>\(String(repeating: "x", count: filling + 1))</a>")
    }
    #expect(error?.code == .limit)
  }

  @Test(
    "A mebibyte of markup takes no long time", .timeLimit(.minutes(10)),
    arguments: [
      ("<a>", "<b/>", "</a>"), ("<a>", "&amp;", "</a>"), ("<a>", "<!---->x", "</a>"),
    ])
  func dense(start: String, piece: String, end: String) throws {
    var text = start
    while text.utf8.count < XMLTree.largestText - 40 { text += piece }
    let elapsed = try ContinuousClock().measure { _ = try XMLTree(parsing: text + end) }
    #expect(elapsed < .seconds(20))
  }

  @Test("An element has at most some thousand attributes, which the library compares one with the other")
  func attributes() throws {
    func element(_ count: Int) -> String { "<a " + (0..<count).map { "a\($0)='' " }.joined() + "/>" }
    #expect(try XMLTree(parsing: "<x>\(element(4096))\(element(4096))</x>").children.count == 2)
    let error = #expect(throws: XMLError.self) { try XMLTree(parsing: element(4097)) }
    #expect(error?.code == .limit)
  }

  @Test("Depth is bounded, so that a tree can be walked by recursion")
  func depth() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "<a>", count: depth) + String(repeating: "</a>", count: depth)
    }
    #expect(try XMLTree(parsing: nested(250)).description.count > 1000)
    #expect(throws: XMLError.self) { try XMLTree(parsing: nested(100_000)) }
  }

  @Test("Bytes that are no UTF-8 become the replacement character before they are read")
  func badUTF8() throws {
    let bytes: [UInt8] = Array("<a>".utf8) + [0xC0, 0x80, 0xED, 0xA0, 0x80, 0xFF] + Array("</a>".utf8)
    let tree = try XMLTree(parsing: String(decoding: bytes, as: UTF8.self))
    #expect(tree.text.allSatisfy { $0 == "\u{FFFD}" })
  }
}
