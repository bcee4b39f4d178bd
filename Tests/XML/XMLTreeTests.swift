import Testing
import XML

@Suite("XML trees")
struct XMLTreeTests {
  @Test("What is read is written again, laid out as libvirt does")
  func roundTrip() throws {
    let text = """
      <domain type='kvm' id='3'>
        <name>a &lt; b &amp; c</name>
        <!-- kept -->
        <devices>
          <disk name='it&apos;s "x"&#10;y'/>
          <empty/>
        </devices>
        <mixed>one<b>two</b> three</mixed>
      </domain>

      """
    let tree = try XMLTree(parsing: text)
    #expect(tree.description == text)
    #expect(tree.first("name")?.text == "a < b & c")
    #expect(tree.first("devices/disk")?["name"] == "it's \"x\"\ny")
    #expect(try XMLTree(parsing: tree.description) == tree)
  }

  @Test("Layout does not count, text does")
  func layout() throws {
    #expect(try XMLTree(parsing: "<a>\n\n <b/>\t<c/></a>") == XMLTree(parsing: "<a><b/><c/></a>"))
    #expect(try XMLTree(parsing: "<a> <b/>x</a>").text == " x")
    #expect(try XMLTree(parsing: "<a> </a>").text == " ")
    #expect(try XMLTree(parsing: "<a><![CDATA[<b/> & ]]></a>").text == "<b/> & ")
    #expect(try XMLTree(parsing: "<?xml version='1.0' encoding='UTF-16'?><?pi x?><a>ä</a>").text == "ä")
  }

  @Test("Prefixes and their declarations stay")
  func namespaces() throws {
    let text = """
      <domain xmlns='urn:d' xmlns:qemu='urn:q'>
        <qemu:arg qemu:value='-s'/>
        <unknown:x/>
      </domain>

      """
    let tree = try XMLTree(parsing: text)
    #expect(tree.description == text)
    #expect(tree.first("qemu:arg")?["qemu:value"] == "-s")
  }

  @Test("Elements are found by paths, added, changed and taken out")
  func change() throws {
    var tree = try XMLTree(parsing: "<d><devices><x n='1'/><y/><x n='2'/></devices><devices><x n='3'/></devices></d>")
    #expect(tree.elements("devices/x").map { $0["n"] } == ["1", "2", "3"])
    #expect(tree.first("devices/z") == nil)
    tree.change("devices") { devices in
      devices.removeChildren("x") { $0["n"] == "2" }
      devices.change("y") { $0["a"] = "b" }
      devices.change("z") { $0.text = "new" }
      devices.append(XMLTree("w", ["k": "v"], [XMLTree("u", text: "t")]))
    }
    let expected =
      "<d><devices><x n='1'/><y a='b'/><z>new</z><w k='v'><u>t</u></w></devices><devices><x n='3'/></devices></d>"
    #expect(try tree == XMLTree(parsing: expected))
    tree.changeAll("devices") { devices in devices.changeAll("x") { $0["n"] = nil } }
    #expect(tree.elements("devices/x").map(\.attributes) == [[], []])
    tree["a"] = "1"
    tree["a"] = "2"
    #expect(tree.attributes == [.init(name: "a", value: "2")])
    tree["a"] = nil
    #expect(tree.attributes.isEmpty)
  }
}
