import Testing

@testable import NodeWorkerServices

@Suite("Descriptions of domains")
struct DomainXMLTests {
  private func domain(_ tune: String) -> String {
    """
    <domain type='kvm'>
      <name>vm1</name>
      <metadata>
        <x:vcpu xmlns:x='y'>2</x:vcpu>
      </metadata>
      <vcpu placement='static'>2</vcpu>
    \(tune)  <os>
      </os>
    </domain>
    """
  }

  @Test("Pins are added, replaced, and leave the other tunings alone")
  func pins() {
    let pins = "    <vcpupin vcpu='0' cpuset='4'/>\n    <vcpupin vcpu='1' cpuset='5,6'/>\n"
    #expect(
      DomainXML.pinned(domain(""), to: [[4], [5, 6]]) == domain("  <cputune>\n\(pins)  </cputune>\n"))
    let before = "  <cputune>\n    <shares>2048</shares>\n    <vcpupin vcpu='0' cpuset='0-3'/>\n  </cputune>\n"
    #expect(
      DomainXML.pinned(domain(before), to: [[4], [5, 6]])
        == domain("  <cputune>\n\(pins)    <shares>2048</shares>\n  </cputune>\n"))
  }

  @Test("What is no domain is not guessed at")
  func noDomain() {
    #expect(DomainXML.pinned("<domain/>", to: [[0]]) == nil)
  }
}
