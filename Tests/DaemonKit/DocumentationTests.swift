import ClusterModel
import DaemonKit
import Foundation
import Testing

@Suite("docs/configuration.md is true")
struct DocumentationTests {
  private static let page = page("configuration")

  private static func page(_ name: String) -> String {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    // Without the document every test below fails.
    return (try? String(contentsOf: root.appending(path: "docs/\(name).md"), encoding: .utf8)) ?? ""
  }

  private static func examples(in page: String) -> [String] {
    page.components(separatedBy: "```yaml\n").dropFirst().map { $0.components(separatedBy: "```")[0] }
  }

  static let examples = examples(in: page)

  @Test("its examples are valid", arguments: DocumentationTests.examples)
  func valid(_ example: String) {
    #expect(throws: Never.self) { try Configuration.parse(Array(example.utf8), hostname: "node7") }
  }

  @Test("it has an example for a worker, a coordinator, and the C++ migration-framework's file")
  func threeExamples() {
    #expect(Self.examples.count == 3)
  }

  @Test("so is that of docs/security.md, which names a key")
  func security() throws {
    let example = try #require(Self.examples(in: Self.page("security")).first)
    let configuration = try Configuration.parse(Array(example.utf8), hostname: "node7")
    #expect(configuration.broker.tls?.keyFile == "/etc/migfra/keys/key.pem")
  }

  @Test("every key is in it, under its section")
  func keys() throws {
    var section = ""
    for line in ConfigurationTests.complete.split(separator: "\n") {
      let key = String(try #require(line.split(separator: ":").first))
      guard key.hasPrefix("  ") else {
        let isSection = line.hasSuffix(":")
        section = isSection ? try #require(Self.page.components(separatedBy: "\n### \(key)\n").dropFirst().first) : ""
        if !isSection { #expect(Self.page.contains("\n| `\(key)` |")) }
        continue
      }
      let part = section.components(separatedBy: "\n## ")[0].components(separatedBy: "\n### ")[0]
      #expect(part.contains("`\(key.dropFirst(2))`"), "\(key)")
    }
  }

  @Test("its message for a misspelt key is ours")
  func message() {
    let error = #expect(throws: (any Error).self) {
      try Configuration.parse(Array("communicator:\n  host: a\n  keep-alive: 5\n".utf8), hostname: "node7")
    }
    #expect(Self.page.contains("Error: configuration migfra.conf, \(error.map { "\($0)" } ?? "?")\n"))
  }
}
