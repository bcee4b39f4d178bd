import ClusterModel
import MigfraProtocol
import Testing

@Suite("Messages that want to do harm")
struct HostileTaskTests {
  @Test(
    "anchors, aliases, tags, merge keys and keys that come twice are refused, with the id",
    arguments: [
      ("list: &a [{vm-name: x}]", "anchors"), ("list: *a", "aliases"),
      ("list: !!seq [{vm-name: x}]", "tags"), ("<<: {list: []}", "merge keys"),
      ("list: []\nlist: []", "line 4, column 1: list: the key is there twice, first in line 3"),
      ("list: [{vm-name: a, vm-name: b}]", "the key is there twice"),
    ])
  func forbidden(_ text: String, _ words: String) throws {
    for form in ["task: stop vm\nid: t9\n\(text)", "task: stop vm\n\n\(text)\nid: t9\n"] {
      let error = try refusal(form)
      #expect(error.code == .invalidMessage)
      #expect(error.description.contains("line 3, column") || error.description.contains("line 4, column"))
      #expect(error.description.contains(words), "\(error)")
      #expect(error.id == "t9")
    }
  }

  @Test("a message above the limit is refused by its size, with the id")
  func tooLarge() throws {
    let payload =
      Array("id: big\ntask: start vm\nvm-configurations:\n  - xml: ".utf8) + [UInt8](repeating: 0x78, count: 2 << 20)
    let error = try refusal(payload)
    #expect(error.code == .invalidMessage)
    #expect(error.id == "big")
    #expect(error.description.contains("bytes"), "\(error)")
  }

  @Test("a message of exactly the largest size is read")
  func largest() throws {
    let head = Array("task: cordon node\nreason: ".utf8)
    let fill = TaskMessage.maximumSize - head.count
    #expect(throws: Never.self) { try TaskMessage.decode(head + [UInt8](repeating: 0x78, count: fill)) }
    #expect(throws: UnreadableTask.self) { try TaskMessage.decode(head + [UInt8](repeating: 0x78, count: fill + 1)) }
  }

  @Test("a hundred thousand levels are refused at once", arguments: ["[", "{a: ", "- ", "? "])
  func deep(_ opening: String) throws {
    let error = try refusal("task: stop vm\nid: deep\nlist:\n" + String(repeating: opening, count: 100_000))
    #expect(error.code == .invalidMessage)
    #expect(error.id == "deep")
    #expect(error.description.contains("line 4"), "\(error)")
  }

  @Test("a million small parts are refused")
  func many() throws {
    let error = try refusal("task: stop vm\nid: many\nlist: [" + String(repeating: "1,", count: 400_000) + "1]")
    #expect(error.code == .invalidMessage)
    #expect(error.id == "many")
  }

  @Test("a recursive alias ends in a refusal")
  func recursion() throws {
    #expect(try refusal("&a {task: stop vm, list: [*a]}").code == .invalidMessage)
  }

  @Test(
    "the id of a broken message is believed only where there is no doubt",
    arguments: [
      ("id: 1\ntask: [", "1"), ("task: [\nid: 1", "1"), ("id: 'a b' # comment\ntask: [", "a b"),
      ("id: 1\r\ntask: [", "1"), ("---\nid: 0017\ntask: [", "0017"),
      // Twice, empty, not at the margin, going on in the next line, not a text.
      ("id: 1\nid: 2\ntask: stop vm", nil), ("id:\ntask: [", nil), ("id: ''\ntask: [", nil), (" id: 1\ntask: [", nil),
      ("list:\n  id: 1\ntask: [", nil), ("id: a\n  b\ntask: [", nil), ("id: [1\ntask: [", nil),
      ("id: &a 1\ntask: [", nil), ("id: *a\ntask: [", nil), ("identity: 1\ntask: [", nil), ("id:1\ntask: [", nil),
      ("task: [", nil), ("id: \"a\\0b\"\ntask: [", nil), ("'id': 1\ntask: [", nil),
    ] as [(String, String?)])
  func salvage(_ text: String, _ id: String?) throws {
    #expect(try refusal(text).id?.rawValue == id)
  }

  @Test("an id far behind the beginning of a broken message is not looked for")
  func farID() throws {
    let filling = "reason: " + String(repeating: "x", count: 100_000) + "\n"
    #expect(try refusal("\(filling)id: 1\ntask: [").id == nil)
    #expect(try refusal("id: 1\n\(filling)task: [").id == "1")
    // The last line in sight may be cut off.
    let edge = String(repeating: "#", count: (1 << 16) - 6) + "\n"
    #expect(try refusal("\(edge)id: 123456\ntask: [").id == nil)
  }

  @Test("damaged messages end in a task or a refusal, never in a trap", arguments: 1...20)
  func damage(_ seed: Int) {
    var random = RandomMessages(seed: UInt64(seed))
    for example in SeedTaskTests.examples {
      let payload = random.damaged(Array("id: 1\n\(example.text)\n".utf8))
      do throws(UnreadableTask) {
        _ = try TaskMessage.decode(payload).encoded()
      } catch {
        #expect([.invalidMessage, .unknownTask].contains(error.code))
        #expect(!error.description.isEmpty)
      }
    }
  }
}
