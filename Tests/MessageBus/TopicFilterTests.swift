import MessageBus
import Testing

@Suite("TopicFilter") struct TopicFilterTests {
  /// After section 4.7 of the MQTT 5 standard.
  @Test(
    "matches as the standard says",
    arguments: [
      ("fast/migfra/node1/task", "fast/migfra/node1/task", true),
      ("fast/migfra/node1/task", "fast/migfra/node2/task", false),
      ("fast/migfra/node1", "fast/migfra/node1/task", false),
      ("fast/migfra/node1/task", "fast/migfra/node1", false),
      ("fast/migfra/+/task", "fast/migfra/node1/task", true),
      ("fast/migfra/+/task", "fast/migfra/a/b/task", false),
      ("fast/migfra/+", "fast/migfra", false),
      ("fast/migfra/+", "fast/migfra/", true),
      ("+", "fast", true),
      ("+", "/fast", false),
      ("/+", "/fast", true),
      ("+/+", "/fast", true),
      ("#", "fast/migfra", true),
      ("#", "/", true),
      ("fast/#", "fast", true),
      ("fast/#", "fast/", true),
      ("fast/#", "fast/a/b/c", true),
      ("fast/#", "faster", false),
      ("fast/+/#", "fast", false),
      ("fast/+/#", "fast/a", true),
      ("#", "$SYS/broker", false),
      ("+/broker", "$SYS/broker", false),
      ("$SYS/#", "$SYS/broker", true),
      ("$SYS/+", "$SYS/broker", true),
      ("a/#", "a/$b", true),
      ("a//b", "a//b", true),
      ("a/+/b", "a//b", true),
      ("Fast", "fast", false),
      ("ä/+", "ä/ö", true),
    ])
  func matching(_ filter: String, _ topic: String, _ expected: Bool) {
    #expect(TopicFilter(filter).matches(topic) == expected)
  }

  @Test(
    "a wildcard stands alone in its level",
    arguments: [
      ("a/b", true), ("#", true), ("+", true), ("a/+/b/#", true), ("/", true), ("//", true), ("$SYS/#", true),
      ("", false), ("a#", false), ("#/a", false), ("a/b+", false), ("a/+b/c", false), ("a\0", false),
      (String(repeating: "x", count: 65535), true), (String(repeating: "x", count: 65536), false),
    ])
  func validity(_ filter: String, _ expected: Bool) {
    #expect(TopicFilter(filter).isValid == expected)
  }

  @Test(
    "one does not publish to wildcards",
    arguments: [
      ("a/b", true), ("/", true), ("$x", true), ("", false), ("a/+", false), ("#", false), ("a\0b", false),
    ])
  func topics(_ topic: String, _ expected: Bool) {
    #expect(TopicFilter.isTopic(topic) == expected)
  }
}
