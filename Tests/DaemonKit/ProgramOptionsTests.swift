import ArgumentParser
import DaemonKit
import TestSupport
import Testing

@Suite("Options of the command line")
struct ProgramOptionsTests {
  @Test(
    "--broker takes a host, with or without a port",
    arguments: [
      ("broker1", "broker1", nil), ("broker1:1884", "broker1", 1884), ("10.0.0.1", "10.0.0.1", nil),
      ("10.0.0.1:1", "10.0.0.1", 1), ("a.b-c_d:65535", "a.b-c_d", 65535), ("[::1]:1883", "::1", 1883),
      ("[::1]", "::1", nil), ("::1", "::1", nil), ("2001:db8::7", "2001:db8::7", nil),
      ("[fe80::1%eth0]:1883", "fe80::1%eth0", 1883), ("fe80::1%eth0", "fe80::1%eth0", nil),
      ("::ffff:10.0.0.1", "::ffff:10.0.0.1", nil), ("broker1:00001883", "broker1", 1883),
    ] as [(String, String, Int?)])
  func broker(_ address: String, _ host: String, _ port: Int?) throws {
    var settings = BrokerSettings()
    try settings.apply(address)
    #expect(settings.host == host)
    #expect(settings.port == port)
  }

  @Test(
    "--broker takes nothing else",
    arguments: [
      "", ":", ":1883", "broker1:", "broker1:0", "broker1:65536", "broker1:-1", "broker1:+1", "broker1:1883x",
      "broker1: 1883", "broker1:mqtt", "broker1:1883:", "broker1:18:83", "broker 1", " broker1", "mqtt://broker1",
      "mqtt://broker1:1883", "broker1/1", "user@broker1", "[]", "[]:1883", "[::1", "[::1]1883", "[::1]:", "[::1]:x",
      "[broker1]:1883", "::1]", "[[::1]]:1", "::1%", "::g", "99999999999999999999:1:1x", "a:99999999999999999999",
      "bröker",
    ])
  func noBroker(_ address: String) throws {
    var settings = BrokerSettings()
    settings.host = "before"
    settings.port = 7
    let error = try #require(throws: ValidationError.self) { try settings.apply(address) }
    #expect(error.message == "--broker: '\(address)' is not host[:port]")
    #expect(settings.host == "before")
    #expect(settings.port == 7)
  }

  @Test("a port that is not given stays as the file has it")
  func portStays() throws {
    var settings = BrokerSettings()
    settings.port = 1884
    try settings.apply("other")
    #expect(settings.location == "other:1884")
  }

  @Test("options win over the file")
  func options() throws {
    let folder = try TemporaryFolder()
    try folder.write("communicator: {host: a, port: 1}\nlog: {level: error}\n", to: "m.conf")
    let file = folder.file("m.conf")
    let fromFile = try ProgramOptions.parse(["--config", file]).configuration()
    #expect(fromFile.source == file)
    #expect(fromFile.0.broker.location == "a:1")
    #expect(fromFile.0.logLevel == .error)
    let options = try ProgramOptions.parse(["-c", file, "--broker", "b:2", "--log-level", "debug"])
    let changed = try options.configuration().0
    #expect(changed.broker.location == "b:2")
    #expect(changed.logLevel == .debug)
    #expect(!options.namesNoBroker)
    #expect(try ProgramOptions.parse([]).namesNoBroker)
  }

  @Test("a log level that is none is refused with those that are")
  func logLevel() throws {
    let folder = try TemporaryFolder()
    try folder.write("", to: "m.conf")
    let options = try ProgramOptions.parse(["-c", folder.file("m.conf"), "--log-level", "loud"])
    let error = try #require(throws: ValidationError.self) { try options.configuration() }
    #expect(error.message == "--log-level: 'loud' is none of trace, debug, info, notice, warning, error")
  }
}
