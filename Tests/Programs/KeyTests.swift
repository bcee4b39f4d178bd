import Foundation
import TestSupport
import Testing

@Suite("docker/mosquitto/make-keys", .requiresMosquitto, .requiresOpenSSL, .timeLimit(.minutes(10)))
struct KeyTests {
  @Test("keys are for their owner's eyes only, and each folder has what its owner needs")
  func modes() async throws {
    let broker = try await GuardedBroker(keys: [.init(.host, "node1"), .init(.coordinator, "coordinator")])
    let files = try #require(FileManager.default.subpaths(atPath: broker.folder.file("keys")))
    let keys = files.filter { $0.hasSuffix("key.pem") }
    #expect(keys.count == 4 + 3, "four authorities, broker, host, coordinator: \(keys)")
    for file in keys {
      let attributes = try FileManager.default.attributesOfItem(atPath: broker.folder.file("keys/\(file)"))
      #expect(attributes[.posixPermissions] as? Int == 0o600, "\(file)")
    }
    #expect(
      files.filter { $0.hasPrefix("hosts/node1/") }.sorted()
        == ["hosts/node1/ca.pem", "hosts/node1/cert.pem", "hosts/node1/key.pem"])
    // The broker's folder is taken to another machine: no authority's key is in it.
    #expect(files.filter { $0.hasPrefix("broker/") && $0.contains("key") } == ["broker/key.pem"])
  }

  @Test(
    "what is no name, or another's, is refused before anything is made",
    arguments: [
      (["host", "../x"], "'../x' is no name for a host"), (["host", ""], "'' is no name for a host"),
      (["host", "a b"], "'a b' is no name"), (["host", "+"], "'+' is no name"), (["guest", "#"], "'#' is no name"),
      (["host", "."], "begins with '.'"), (["host", "-subj"], "begins with '-'"), (["host", "a/CN=b"], "is no name"),
      (["host", "a\nb"], "is no name"), (["scheduler", "x,y"], "is no name"),
      (["host", String(repeating: "a", count: 65)], "1 to 64"),
      (["guest", "migfra-worker-node1"], "'migfra-' is for our own programs"),
      (["guest", "good", "fast-migfra-node1"], "'fast-migfra-' is for our own programs"),
      (["broker", "1.2.3.4:x"], "is no address"), (["broker", "DNS:a,IP"], "is no address"),
      (["broker", "good", "a,b"], "'a,b' is no name for a broker"), (["revoke", "/tmp"], "none of the folders"),
      (["somebody", "a"], "make-keys host NAME"), ([], "make-keys host NAME"), (["host"], "make-keys host NAME"),
      (["coordinator", "a"], "make-keys coordinator"),
    ])
  func refused(_ arguments: [String], _ expected: String) async throws {
    let folder = try TemporaryFolder()
    let output = try await GuardedBroker.makeKeys(in: folder, arguments)
    #expect(output.status != 0)
    #expect(output.text.contains(expected), "\(output.text)")
    #expect(FileManager.default.subpaths(atPath: folder.path) == [])
  }
}
