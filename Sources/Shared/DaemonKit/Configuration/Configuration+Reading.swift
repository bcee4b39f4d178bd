public import ClusterModel
import MigfraProtocol
public import YAML

extension Configuration {
  /// Reads the file's text. `<hostname>` stands for this machine's name everywhere.
  ///
  /// - Throws: `YAMLError` that names the line, the key, and what is expected there.
  public static func parse(_ text: [UInt8], hostname: HostName) throws(YAMLError) -> Configuration {
    let root = try YAML.parse(text, limits: .configuration)
    var configuration = Configuration(host: hostname)
    guard !root.isNull else { return configuration }
    var reader = try MappingReader(root.replacing("<hostname>", with: hostname.rawValue))
    configuration.host = try reader.optional("host") ?? hostname
    configuration.stateDirectory = try reader.text("state-directory") ?? configuration.stateDirectory
    try reader.section("communicator") { section throws(YAMLError) in try configuration.broker.read(&section) }
    try reader.section("tls") { section throws(YAMLError) in configuration.broker.tls = try TLSSettings(&section) }
    try reader.section("hypervisor") { section throws(YAMLError) in try configuration.hypervisor.read(&section) }
    try reader.section("pscom-handler") { section throws(YAMLError) in try configuration.pscom.read(&section) }
    try reader.section("guest-agent") { section throws(YAMLError) in try configuration.guestAgent.read(&section) }
    try reader.section("capacity") { section throws(YAMLError) in try configuration.capacity.read(&section) }
    try reader.section("defaults") { section throws(YAMLError) in try configuration.defaults.read(&section) }
    try reader.section("limits") { section throws(YAMLError) in try configuration.limits.read(&section) }
    try reader.section("migration") { section throws(YAMLError) in try configuration.migration.read(&section) }
    configuration.mayQuit = try reader.optional("allow-quit") ?? false
    configuration.dialect = try reader.optional("dialect") ?? .seed
    try reader.section("log") { section throws(YAMLError) in
      configuration.logLevel = try section.optional("level") ?? .info
    }
    try reader.refuseUnread()
    return configuration
  }
}

extension BrokerSettings {
  fileprivate mutating func read(_ section: inout MappingReader) throws(YAMLError) {
    let type = try section.optional("type", as: String.self) ?? "mqtt"
    guard type == "mqtt" else { throw section.error("expected 'mqtt', found '\(type)'", key: "type") }
    host = try section.text("host") ?? host
    guard Self.isHost(host) else {
      throw section.error("expected a host name or an address, found '\(host)'", key: "host")
    }
    port = try section.number("port", in: 1...65535)
    clientID = try section.text("id")
    taskTopic = try section.text("subscribe-topic")
    resultTopic = try section.text("publish-topic")
    if let topic = resultTopic, topic.utf8.contains(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "#") }) {
      throw section.error("expected a topic without wildcards, found '\(topic)'", key: "publish-topic")
    }
    keepAlive = .seconds(try section.number("keepalive", in: 5...3600) ?? 10)
    username = try section.optional("username")
    do {
      password = try section.optional("password")
    } catch {
      // The error's own words would show it.
      throw section.error("expected a string without NUL characters", key: "password")
    }
    if password != nil, username == nil {
      throw section.error("required with 'password'", key: "username", code: .missing)
    }
  }
}

extension TLSSettings {
  fileprivate init(_ section: inout MappingReader) throws(YAMLError) {
    guard let caFile = try section.text("ca-file") else {
      throw section.error(
        "required, expected a file with the broker's certificate authority", key: "ca-file", code: .missing)
    }
    self.init(
      caFile: caFile, certificateFile: try section.text("certificate-file"), keyFile: try section.text("key-file"))
    if certificateFile != nil, keyFile == nil {
      throw section.error("required with 'certificate-file'", key: "key-file", code: .missing)
    }
    if keyFile != nil, certificateFile == nil {
      throw section.error("required with 'key-file'", key: "certificate-file", code: .missing)
    }
  }
}

extension HypervisorSettings {
  fileprivate mutating func read(_ section: inout MappingReader) throws(YAMLError) {
    kind = try section.optional("type") ?? kind
    uri = try section.text("uri")
    driver = try section.word("driver") ?? driver
    transport = try section.word("transport") ?? transport
    encryptsMemory = try section.optional("migration-tls") ?? encryptsMemory
    startTimeout = .seconds(try section.number("start-timeout", in: 1...86_400) ?? 60)
    stopTimeout = .seconds(try section.number("stop-timeout", in: 1...86_400) ?? 60)
    clusterDirectory = try section.text("cluster-directory")
    sharedDirectory = try section.text("shared-directory")
    if let sharedDirectory, !sharedDirectory.hasPrefix("/") {
      throw section.error("expected an absolute path, found '\(sharedDirectory)'", key: "shared-directory")
    }
    rdmaHost = try section.text("rdma-host") ?? rdmaHost
    rdmaHosts = try section.hostNames("rdma-hosts")
    // The reference's: hosts whose libvirt it asks before each start, and its dummy's faults. Here the state topics
    // tell where a machine runs, and the dummy never fails by itself.
    _ = try section.optional("nodes", as: [HostName].self)
    _ = try section.optional("never-throw", as: Bool.self)
  }
}

extension PscomSettings {
  fileprivate mutating func read(_ section: inout MappingReader) throws(YAMLError) {
    requestTopic = try section.text("request-topic") ?? requestTopic
    responseTopic = try section.text("response-topic") ?? responseTopic
    quality = try section.number("qos", in: 0...2) ?? quality
    form = try section.optional("payload") ?? form
    timeout = .seconds(try section.number("timeout", in: 1...600) ?? 10)
    for (key, topic) in [("request-topic", requestTopic), ("response-topic", responseTopic)]
    where !topic.contains("<vm-name>") && !topic.contains("<vm_name>") {
      throw section.error("expected <vm-name> in it, found '\(topic)'", key: key)
    }
  }
}

extension MigrationPolicySettings {
  fileprivate mutating func read(_ section: inout MappingReader) throws(YAMLError) {
    nonConvergence = try section.optional("non-convergence") ?? nonConvergence
    stallTimeout = .seconds(try section.number("stall-timeout", in: 5...3600) ?? 30)
  }
}

extension GuestAgentSettings {
  fileprivate mutating func read(_ section: inout MappingReader) throws(YAMLError) {
    vm = try section.optional("vm-name")
    scanInterval = try section.seconds("scan-interval", in: 0.1...60) ?? scanInterval
    settleTime = try section.seconds("settle-time", in: 0...600) ?? settleTime
    signal = try section.number("signal", in: 1...64).map(Int32.init)
    ignoredPrograms = try section.optional("ignore") ?? ignoredPrograms
  }
}

extension CapacitySettings {
  fileprivate mutating func read(_ section: inout MappingReader) throws(YAMLError) {
    memoryKiB = try section.number("memory", in: 1...Int.max / 1024)
    cpus = try section.number("cpus", in: 1...1_000_000)
    reservedMemoryKiB = try section.number("reserved-memory", in: 0...Int.max / 1024) ?? reservedMemoryKiB
    bandwidthMiB = try section.number("bandwidth", in: 1...1_000_000)
    rack = try section.text("rack")
    labels = try section.optional("labels") ?? labels
  }
}

extension DefaultSettings {
  fileprivate mutating func read(_ section: inout MappingReader) throws(YAMLError) {
    migrationType = try section.optional("migration-type") ?? migrationType
    mode = try section.optional("mode") ?? mode
    overbooking = try section.optional("overbooking") ?? overbooking
    retries = try section.number("retry-counter", in: 0...1000) ?? retries
  }
}

extension LimitSettings {
  fileprivate mutating func read(_ section: inout MappingReader) throws(YAMLError) {
    migrations = try section.number("migrations", in: 1...1_000_000)
    outgoingMigrations = try section.number("outgoing-migrations", in: 1...Self.mostMigrations)
    incomingMigrations = try section.number("incoming-migrations", in: 1...Self.mostMigrations)
    linkShare = try section.number("link-share", in: 0...100) ?? linkShare
    bandwidthMiB = try section.number("bandwidth", in: 1...1_000_000)
    parallelStarts = try section.number("parallel-starts", in: 1...64) ?? parallelStarts
    progressInterval = try section.seconds("progress-interval", in: 0.1...60) ?? progressInterval
  }
}

extension LogLevel: YAMLReadable {}
extension HypervisorSettings.Kind: YAMLReadable {}
extension ResultDialect: YAMLReadable {}

extension MappingReader {
  /// Reads a nested mapping, if it is there.
  fileprivate mutating func section(
    _ key: String, _ read: (inout MappingReader) throws(YAMLError) -> Void
  ) throws(YAMLError) {
    guard var nested = try reader(key) else { return }
    try read(&nested)
    // Here, because the section knows what its keys are called.
    try nested.refuseUnread()
  }

  fileprivate mutating func number(_ key: String, in range: ClosedRange<Int>) throws(YAMLError) -> Int? {
    guard let value = try optional(key, as: Int.self) else { return nil }
    guard range.contains(value) else {
      throw error("expected \(range.lowerBound) to \(range.upperBound), found \(value)", key: key)
    }
    return value
  }

  fileprivate mutating func seconds(_ key: String, in range: ClosedRange<Double>) throws(YAMLError) -> Duration? {
    guard let value = try optional(key, as: Double.self) else { return nil }
    guard range.contains(value) else {
      let bounds = [range.lowerBound, range.upperBound].map { $0 < 1 && $0 > 0 ? "\($0)" : "\(Int($0))" }
      throw error("expected \(bounds[0]) to \(bounds[1]) seconds, found \(value)", key: key)
    }
    return .milliseconds(Int(value * 1000))
  }

  /// A text with something in it.
  fileprivate mutating func text(_ key: String) throws(YAMLError) -> String? {
    guard let value = try optional(key, as: String.self) else { return nil }
    guard !value.isEmpty else { throw error("expected a string that is not empty", key: key) }
    return value
  }

  /// A mapping of hosts to other names of theirs.
  fileprivate mutating func hostNames(_ key: String) throws(YAMLError) -> [HostName: String] {
    guard let node = node(key), !node.isNull else { return [:] }
    guard case .mapping(let mapping) = node.kind else { throw error("expected a mapping of hosts to names", key: key) }
    var names: [HostName: String] = [:]
    for entry in mapping.entries {
      let host = HostName(rawValue: entry.key)
      guard host.isValid else { throw error("'\(entry.key)' is no host name", key: key) }
      names[host] = try HostName(yaml: entry.value).rawValue
    }
    return names
  }

  /// A name that becomes part of a URI.
  fileprivate mutating func word(_ key: String) throws(YAMLError) -> String? {
    guard let value = try optional(key, as: String.self) else { return nil }
    guard !value.isEmpty, value.utf8.count <= 32,
      value.utf8.allSatisfy({ (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) })
    else {
      throw error("expected a word of lower-case letters and digits, found '\(value)'", key: key)
    }
    return value
  }
}

extension YAMLNode {
  /// The same with `placeholder` replaced in every scalar.
  fileprivate func replacing(_ placeholder: String, with text: String) -> YAMLNode {
    var copy = self
    switch kind {
    case .scalar(var scalar):
      if scalar.text.contains(placeholder) {
        scalar.text = scalar.text.split(separator: placeholder, omittingEmptySubsequences: false).joined(
          separator: text)
        copy.kind = .scalar(scalar)
      }
    case .sequence(let nodes, let flow):
      copy.kind = .sequence(nodes.map { $0.replacing(placeholder, with: text) }, flow: flow)
    case .mapping(var mapping):
      for index in mapping.entries.indices {
        mapping.entries[index].value = mapping.entries[index].value.replacing(placeholder, with: text)
      }
      copy.kind = .mapping(mapping)
    }
    return copy
  }
}
