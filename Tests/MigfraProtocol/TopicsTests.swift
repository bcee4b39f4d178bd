import ClusterModel
import MigfraProtocol
import Testing

@Suite("Topics")
struct TopicsTests {
  @Test("topics have the seed's places")
  func places() {
    #expect(Topics.task("node1") == "fast/migfra/node1/task")
    #expect(Topics.result("node1") == "fast/migfra/node1/result")
    #expect(Topics.state("node1") == "fast/migfra/node1/state")
    #expect(Topics.progress("node1") == "fast/migfra/node1/progress")
    #expect(Topics.reply(to: "node1") == "fast/migfra/node1/reply")
    #expect(Topics.coordinatorReply(from: "node1") == "fast/coordinator/reply/node1")
    #expect(Topics.plan("p1-1") == "fast/coordinator/plan/p1-1")
    #expect(Topics.node("node1") == "fast/coordinator/node/node1")
  }

  @Test(
    "a topic tells its host, or that it has none",
    arguments: [
      ("fast/migfra/node1/task", "node1"), ("fast/migfra/node1/state", "node1"), ("fast/migfra/a.b-c_d/x", "a.b-c_d"),
      ("fast/migfra/node1", nil), ("fast/migfra/node1/", "node1"), ("fast/migfra/node1/task/x", nil),
      ("fast/migfra//task", nil), ("fast/migfra/+/task", nil), ("fast/migfra/no de/task", nil),
      ("fast/migfra/-a/task", nil), ("fast/coordinator/node1/task", nil), ("slow/migfra/node1/task", nil),
      ("/fast/migfra/node1/task", nil), ("fast/migfra/node1\u{301}/task", nil), ("", nil), ("////", nil),
    ] as [(String, String?)])
  func hosts(_ topic: String, _ host: String?) {
    #expect(Topics.host(of: topic)?.rawValue == host)
  }

  @Test(
    "a topic's last level is what stands behind its last slash",
    arguments: [
      ("fast/coordinator/plan/p1-1", "p1-1"), ("fast/coordinator/reply/node1", "node1"), ("a", "a"), ("a/", ""),
      ("", ""),
    ])
  func lastLevels(_ topic: String, _ level: String) {
    #expect(Topics.lastLevel(of: topic) == level)
  }

  @Test(
    "answers may go to a client's own topic, and to topics of answers",
    arguments: [
      "reply", "my/own/topic", "client-7/answers", "/", "a//b", "faster/task", "Fast/migfra/node1/task", "ä/😀",
      "migfra/task", "fast/migfra/node1/result", "fast/migfra/node2/reply", "fast/migfra/node2/reply/7",
      "fast/coordinator/result", "fast/coordinator/reply/node1", "fast/coordinator/result/7", "fast/agent/x/reply",
      "fast/agent/result", String(repeating: "a", count: 1024),
    ])
  func acceptable(_ topic: String) {
    #expect(Topics.isAcceptableResponse(topic))
  }

  @Test(
    "answers may not command another program, nor speak in its name",
    arguments: [
      "", "fast", "fast/", "fast/migfra", "fast/migfra/node2", "fast/migfra/node2/task", "fast/migfra/node2/state",
      "fast/migfra/node2/progress", "fast/migfra/result/task", "fast/migfra/reply/task", "fast/migfra/result",
      "fast/migfra/reply/state", "fast/migfra/node2/task/result", "fast/migfra/node2/result2",
      "fast/migfra/node2/Result", "fast/coordinator", "fast/coordinator/task", "fast/coordinator/state",
      "fast/coordinator/plan/p1", "fast/coordinator/plan/result", "fast/coordinator/node/reply",
      "fast/coordinator/event", "fast/coordinator/task/result", "fast/pscom/vm1/0/request", "fast/pscom/vm1/0/response",
      "fast/pscom/result/0/request", "fast/agent/node2/mmbwmon/request", "fast/result", "fast/reply",
    ])
  func unacceptable(_ topic: String) {
    #expect(!Topics.isAcceptableResponse(topic))
  }

  @Test(
    "wildcards, the broker's own topics and control characters are no places for answers",
    arguments: [
      "+", "#", "a/+", "a/#", "a+b", "a#", "a/+\u{301}", "a/#\u{FE0F}", "fast/migfra/+/result", "$SYS/broker",
      "$share/a/b",
      "$", "$\u{301}SYS/a", "a\u{0}b", "a\n", "a\tb", "a\u{7F}", "a\u{85}", "a\u{9F}/b", "\u{1B}[0m",
      String(repeating: "a", count: 1025), String(repeating: "ä", count: 513),
    ])
  func noPlace(_ topic: String) {
    #expect(!Topics.isAcceptableResponse(topic))
  }

  @Test("no topic that anyone of us reads as a task or report is a place for answers")
  func ownTopics() {
    for host in ["node1", "result", "reply", "task"] as [HostName] {
      for topic in [
        Topics.task(host), Topics.state(host), Topics.progress(host), Topics.node(host),
        Topics.plan(PlanID(rawValue: host.rawValue)), Topics.coordinatorTask, Topics.coordinatorState,
      ] {
        #expect(!Topics.isAcceptableResponse(topic), "\(topic)")
      }
      #expect(Topics.isAcceptableResponse(Topics.reply(to: host)))
      #expect(Topics.isAcceptableResponse(Topics.coordinatorReply(from: host)))
      #expect(Topics.isAcceptableResponse(Topics.result(host)))
    }
    #expect(Topics.isAcceptableResponse(Topics.coordinatorResult))
  }
}
