/// Where the broker is and how it lets us in.
public struct BrokerAddress: Sendable, Equatable {
  /// A host name or a numeric address.
  public var host: String
  public var port: Int
  public var username: String?
  public var password: String?
  /// Nil: the connection is not encrypted.
  public var tls: TLS?

  /// An encrypted connection; all files are PEM.
  public struct TLS: Sendable, Equatable {
    /// The authorities of which one must have signed the broker's certificate.
    public var caFile: String
    /// Our own certificate, if the broker asks for one; needs `keyFile`.
    public var certificateFile: String?
    /// The key of `certificateFile`, without a passphrase.
    public var keyFile: String?
    /// Whether the broker's certificate must be made out for `host`.
    public var verifyHostname: Bool

    public init(
      caFile: String, certificateFile: String? = nil, keyFile: String? = nil, verifyHostname: Bool = true
    ) {
      self.caFile = caFile
      self.certificateFile = certificateFile
      self.keyFile = keyFile
      self.verifyHostname = verifyHostname
    }
  }

  public init(
    host: String, port: Int = 1883, username: String? = nil, password: String? = nil, tls: TLS? = nil
  ) {
    self.host = host
    self.port = port
    self.username = username
    self.password = password
    self.tls = tls
  }
}
