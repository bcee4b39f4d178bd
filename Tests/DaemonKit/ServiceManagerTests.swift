import DaemonKit
import Foundation
import Logging
import TestSupport
import Testing

@Suite("What a service manager is told")
struct ServiceManagerTests {
  @Test(
    "the environment says where and how often",
    arguments: [
      ([:], nil, nil), (["NOTIFY_SOCKET": ""], nil, nil),
      (["NOTIFY_SOCKET": "/run/systemd/notify"], .path("/run/systemd/notify"), nil),
      (["NOTIFY_SOCKET": "@a/b"], .abstract("a/b"), nil),
      (["NOTIFY_SOCKET": "/a", "WATCHDOG_USEC": "60000000"], .path("/a"), .seconds(60)),
      (["NOTIFY_SOCKET": "/a", "WATCHDOG_USEC": "1500", "WATCHDOG_PID": "7"], .path("/a"), .microseconds(1500)),
      (["NOTIFY_SOCKET": "/a", "WATCHDOG_USEC": "1500", "WATCHDOG_PID": "8"], .path("/a"), nil),
      (["WATCHDOG_USEC": "1500"], nil, nil),
      (
        ["NOTIFY_SOCKET": "/\(String(repeating: "a", count: 106))"], .path("/\(String(repeating: "a", count: 106))"),
        nil
      ),
    ] as [([String: String], ServiceManagerSettings.Socket?, Duration?)])
  func environment(_ variables: [String: String], _ socket: ServiceManagerSettings.Socket?, _ watchdog: Duration?) {
    let settings = ServiceManagerSettings(environment: variables, processID: 7)
    #expect(settings.socket == socket)
    #expect(settings.watchdog == watchdog)
    #expect(settings.flaws.isEmpty)
  }

  @Test(
    "what cannot be meant is said, and harms nobody",
    arguments: [
      ["NOTIFY_SOCKET": "vsock:2:1"], ["NOTIFY_SOCKET": "relative"], ["NOTIFY_SOCKET": "@"],
      ["NOTIFY_SOCKET": "/\(String(repeating: "a", count: 107))"],
      ["NOTIFY_SOCKET": "@\(String(repeating: "a", count: 108))"], ["NOTIFY_SOCKET": "/a", "WATCHDOG_USEC": "soon"],
      ["NOTIFY_SOCKET": "/a", "WATCHDOG_USEC": "0"], ["NOTIFY_SOCKET": "/a", "WATCHDOG_USEC": "-1"],
    ])
  func flaws(_ variables: [String: String]) {
    let settings = ServiceManagerSettings(environment: variables, processID: 7)
    #expect(settings.flaws.count == 1)
    #expect(settings.watchdog == nil)
  }

  @Test("a beat is due twice in the time that is waited for it, and never in a storm")
  func interval() {
    func interval(_ microseconds: String) -> Duration? {
      ServiceManagerSettings(environment: ["NOTIFY_SOCKET": "/a", "WATCHDOG_USEC": microseconds], processID: 7)
        .beatInterval
    }
    #expect(interval("60000000") == .seconds(30))
    #expect(interval("1") == .milliseconds(10))
    #expect(ServiceManagerSettings(environment: [:], processID: 7).beatInterval == nil)
  }

  @Test("a message is one assignment a line, whatever stands in the status")
  func text() {
    #expect(ServiceNotice(.ready, status: "at work").text == "READY=1\nSTATUS=at work")
    #expect(ServiceNotice(.beat).text == "WATCHDOG=1")
    #expect(ServiceNotice(.stopping).text == "STOPPING=1")
    #expect(ServiceNotice(status: "lost\nMAINPID=1\r\nx").text == "STATUS=lost MAINPID=1 x")
    #expect(ServiceNotice(status: "").text == "STATUS=")
  }

  private func manager(_ name: String) -> ServiceManager {
    let settings = ServiceManagerSettings(
      environment: ["NOTIFY_SOCKET": name, "WATCHDOG_USEC": "2000000"], processID: 7)
    return ServiceManager(settings, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  @Test("it comes to a socket in the file system, and to one of the kernel's own list", arguments: [true, false])
  func socket(isAbstract: Bool) throws {
    let folder = try TemporaryFolder()
    let ear = try NotifySocket(isAbstract ? "@migfra-test-\(UUID().uuidString)" : folder.file("notify"))
    let manager = manager(ear.name)
    manager.tell(ServiceNotice(.beat))
    manager.tell(ServiceNotice(.stopping, status: "bye"))
    #expect(ear.messages == ["WATCHDOG=1", "STOPPING=1\nSTATUS=bye"])
    #expect(manager.beatInterval == .seconds(1))
  }

  @Test("one that is gone, or full, keeps nobody waiting")
  func gone() throws {
    let folder = try TemporaryFolder()
    manager(folder.file("nobody")).tell(ServiceNotice(.ready))
    let ear = try NotifySocket(folder.file("notify"))
    let manager = manager(ear.name)
    for _ in 0..<10_000 { manager.tell(ServiceNotice(.beat)) }
    #expect(!ear.messages.isEmpty)
  }

  @Test("a program is ready when it has all that it needs, and says what it waits for and what troubles it")
  func reporter() throws {
    let folder = try TemporaryFolder()
    let ear = try NotifySocket(folder.file("notify"))
    var reporter = ServiceReporter(manager(ear.name), awaiting: ["the broker", "the hypervisor"])
    reporter.set(trouble: "no libvirtd")
    reporter.got("the broker")
    reporter.got("the broker")
    reporter.got("something else")
    reporter.set(trouble: nil)
    reporter.got("the hypervisor")
    reporter.set(trouble: nil)
    reporter.beat()
    reporter.set(trouble: "no libvirtd")
    reporter.got("the hypervisor")
    reporter.set(trouble: nil)
    #expect(
      ear.messages == [
        "STATUS=waiting for the broker and the hypervisor",
        "STATUS=waiting for the broker and the hypervisor; no libvirtd",
        "STATUS=waiting for the hypervisor; no libvirtd",
        "STATUS=waiting for the hypervisor", "READY=1\nSTATUS=at work", "WATCHDOG=1", "STATUS=no libvirtd",
        "STATUS=at work",
      ])
  }
}
