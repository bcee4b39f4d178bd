import ClusterModel
import Testing

@Suite("Names")
struct NameTests {
  @Test(
    "a host's name may stand in a topic, a URI and a path",
    arguments: [
      "n", "node1", "node-1", "node_1", "NODE1", "1", "10.77.0.1", "node1.cluster.example", "_", "n.",
      String(repeating: "n", count: 253),
    ])
  func validHost(_ name: String) {
    #expect(HostName(rawValue: name).isValid)
  }

  @Test(
    "what would lead out of its place is no host's name",
    arguments: [
      "", ".", "..", ".node1", "-node1", "node1/task", "a/../b", "+", "#", "node+", "$SYS", "node 1", " node1",
      "node1 ",
      "node1\n", "node\t1", "node\0", "node\u{7F}", "nöde", "node\u{301}", "\u{212A}1", "node1:16509", "user@node1",
      "node1?command=x", "[::1]", "node%31", "😀", String(repeating: "n", count: 254),
    ])
  func invalidHost(_ name: String) {
    #expect(!HostName(rawValue: name).isValid)
  }

  @Test(
    "a machine's name may be almost any text",
    arguments: [
      "vm1", "a", "my vm", "vm.1", "vm-1_2", "Maschine für März", "\u{1F600}", "'quoted'", "\"", "a:b", "*", "<name>",
      "&amp;", "$SYS", "-", ".", "..", "0017", "true", "~", "null", String(repeating: "v", count: 255),
      String(repeating: "ä", count: 127),
    ])
  func validVM(_ name: String) {
    #expect(VMName(rawValue: name).isValid)
  }

  @Test(
    "what a topic, libvirt or a log line cannot carry is no machine's name",
    arguments: [
      "", "a/b", "/", "+", "a+", "#", "vm#1", "+\u{301}", "#\u{FE0F}", "a/\u{301}b", "vm\0", "vm\n", "\r", "\t",
      "\u{1B}[31m",
      "vm\u{7F}", "vm\u{80}", "vm\u{85}", "vm\u{9F}", String(repeating: "v", count: 256),
      String(repeating: "ä", count: 128),
    ])
  func invalidVM(_ name: String) {
    #expect(!VMName(rawValue: name).isValid)
  }

  @Test("a name with characters above the control characters is not taken for one with them")
  func aboveControls() {
    #expect(VMName(rawValue: "vm\u{A0}").isValid)
    #expect(VMName(rawValue: "\u{100}\u{1F80}\u{8080}").isValid)
  }

  @Test("names are compared as texts, and are written as they are")
  func order() {
    #expect(["b", "a10", "a2"].sorted() == (["a10", "a2", "b"] as [HostName]))
    #expect("\(VMName(rawValue: "my vm"))" == "my vm")
    #expect(TaskID(rawValue: "0017") != TaskID(rawValue: "17"))
  }
}
