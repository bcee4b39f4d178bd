import Foundation
import TestSupport
import Testing

/// libvirt and QEMU speak TLS with each other, with certificates of the lab's authority.
@Suite("TLS between hosts in the lab", .serialized, .requiresLab, .requiresOpenSSL, .timeLimit(.minutes(10)))
struct EncryptionTests {
  private func migrate(to destination: String) -> String {
    "task: migrate vm\nvm-name: vm1\ndestination: \(destination)\nparameter: {retry-counter: 0}\n"
  }

  @Test("A machine moves; with another authority's certificate, for libvirt or QEMU, it stays, and the answer says why")
  func encrypted() async throws {
    try await Lab.with(hosts: 2, environment: ["LAB_TLS": "1"]) { lab in
      try await lab.startGuests(1, on: "node1", "mem=16")
      let bus = try await LabBus(lab)
      let there = try await bus.ask("node1", migrate(to: "node2"))
      #expect(there.contains("status: success"), "\(there)")

      let stranger = try await Certificates(for: "DNS:node2")
      let keys = "\(lab.folder.path)/state/node2/pki"
      for (certificate, key, words) in [
        ("qemu/client-cert.pem", "qemu/client-key.pem", "client-cert.pem"),
        ("libvirt/clientcert.pem", "libvirt/private/clientkey.pem", "clientcert.pem"),
      ] {
        let own = try [certificate, key].map { try Data(contentsOf: URL(filePath: "\(keys)/\($0)")) }
        try Data(contentsOf: URL(filePath: stranger.client)).write(to: URL(filePath: "\(keys)/\(certificate)"))
        try Data(contentsOf: URL(filePath: stranger.clientKey)).write(to: URL(filePath: "\(keys)/\(key)"))
        let refused = try await bus.ask("node2", migrate(to: "node1"))
        #expect(refused.contains("status: error") && refused.contains(words), "\(refused)")
        #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node2/running"])
        for (name, content) in zip([certificate, key], own) {
          try content.write(to: URL(filePath: "\(keys)/\(name)"))
        }
      }

      let back = try await bus.ask("node2", migrate(to: "node1"))
      #expect(back.contains("status: success"), "\(back)")
      #expect(try await lab.whereabouts(of: "vm1", hosts: 2) == ["node1/running"])
    }
  }
}
