import Glibc
public import Testing

/// A certification authority of a test's own, with a certificate for a server and one for a client.
public final class Certificates: Sendable {
  public static let tool = "/usr/bin/openssl"

  private let folder: TemporaryFolder
  public var authority: String { folder.file("ca.pem") }
  public var server: String { folder.file("server.pem") }
  public var serverKey: String { folder.file("server.key") }
  public var client: String { folder.file("client.pem") }
  public var clientKey: String { folder.file("client.key") }

  /// - Parameter names: what the server's certificate is made out for, as openssl writes it: "DNS:localhost".
  public init(for names: String = "DNS:localhost,IP:127.0.0.1") async throws {
    folder = try TemporaryFolder("certificates")
    try folder.write("subjectAltName=\(names)\n", to: "server.names")
    try folder.write("subjectAltName=DNS:client\n", to: "client.names")
    try await openssl(
      [
        "req", "-x509", "-days", "2", "-subj", "/CN=test authority", "-keyout", folder.file("ca.key"), "-out",
        authority,
      ]
        + Self.newKey)
    for name in ["server", "client"] {
      try await openssl(
        [
          "req", "-subj", "/CN=\(name)", "-keyout", folder.file("\(name).key"), "-out", folder.file("\(name).csr"),
        ] + Self.newKey)
      try await openssl([
        "x509", "-req", "-days", "2", "-in", folder.file("\(name).csr"), "-CA", authority, "-CAkey",
        folder.file("ca.key"), "-CAcreateserial", "-extfile", folder.file("\(name).names"), "-out",
        folder.file("\(name).pem"),
      ])
    }
  }

  private static let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]

  private func openssl(_ arguments: [String]) async throws {
    let code = try await ChildProcess(Self.tool, arguments, output: folder.file("output")).wait()
    guard code == 0 else { throw ChildError(description: "openssl: \(folder.read("output"))") }
  }
}

extension Trait where Self == ConditionTrait {
  /// Skips where openssl is not installed, and says so.
  public static var requiresOpenSSL: Self {
    .enabled(if: unsafe access(Certificates.tool, X_OK) == 0, "needs \(Certificates.tool) (apt install openssl)")
  }
}
