import Foundation
import TestSupport

/// What a scheduler would use: `mosquitto_pub` and `mosquitto_sub`, here on the lab's ctl.
struct LabBus {
  let lab: Lab
  /// The listener's process id on ctl; it ends with `end`, or with the lab.
  private let subscriber: String
  private let output: String

  /// Listens to everything under `fast/` from now on, also to what comes while the broker is away.
  init(_ lab: Lab) async throws {
    self.lab = lab
    let name = UUID().uuidString
    output = lab.folder.file("bus-\(name)")
    // One line of JSON per message, written at once.
    subscriber = try await lab.must(
      "spawn", "ctl", "sh", "-c", "exec stdbuf -oL mosquitto_sub \"$@\" >\"$0\"", output, "-h", "10.77.0.254", "-q",
      "1",
      "-V", "5", "-c", "-i", "listener-\(name)", "-x", "300", "-F", "%j", "-t", "fast/#", "-t", "probe/#"
    ).trimmingCharacters(in: .whitespacesAndNewlines)
    // What the broker keeps comes first; a message of our own shows that the subscription stands.
    let mark = UUID().uuidString
    try await eventually("answer of the broker") {
      try await publish("probe/\(mark)", "up")
      return messages.contains { $0.topic == "probe/\(mark)" }
    }
  }

  /// Listens no more.
  func end() async throws { try await lab.must("exec", "ctl", "kill", subscriber) }

  struct Message {
    var isRetained: Bool
    var topic: String
    var text: String
  }

  /// Everything that came so far, in order.
  var messages: [Message] {
    let lines = ((try? String(contentsOfFile: output, encoding: .utf8)) ?? "").split(separator: "\n")
    return lines.compactMap { line in
      let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      guard let object, let topic = object["topic"] as? String else { return nil }  // half a line, so far
      return Message(
        isRetained: object["retain"] as? Int == 1, topic: topic, text: object["payload"] as? String ?? "")
    }
  }

  /// The answers on a host's result topic so far.
  func results(of host: String) -> [String] {
    messages.filter { $0.topic == "fast/migfra/\(host)/result" }.map(\.text)
  }

  func publish(_ topic: String, _ text: String, retained: Bool = false) async throws {
    let file = lab.folder.file("message-\(UUID().uuidString)")
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    let arguments = ["exec", "ctl", "mosquitto_pub", "-h", "10.77.0.254", "-q", "1", "-t", topic, "-f", file]
    let sent = try await lab.run(arguments + (retained ? ["-r"] : []))
    guard sent.status == 0 else { throw LabError(description: "mosquitto_pub: \(sent.text)") }
  }

  /// Sends a task to a host and returns the next answer on its result topic.
  func ask(_ host: String, _ task: String, within limit: Duration = .seconds(60)) async throws -> String {
    let before = results(of: host).count
    try await publish("fast/migfra/\(host)/task", task)
    return try await eventually("answer of \(host) to \(task.prefix(200))", within: limit) {
      let all = results(of: host)
      return all.count > before ? all[before] : nil
    }
  }
}

/// Asks guests every 20 ms how long they have run: their own testimony that they never stopped.
struct Watch {
  private let process: ChildProcess
  private let output: String

  init(_ lab: Lab, guests: Int) throws {
    output = lab.folder.file("watch-\(UUID().uuidString)")
    process = try lab.start(["watch", "ctl"] + (1...guests).map(Lab.address), output: output)
  }

  struct Testimony {
    var address: String
    /// Answers heard.
    var answers: Int
    /// The longest time between two answers, ms.
    var gap: Int
    /// How long the guest's own clock stood still in all, ms.
    var stopped: Int
    /// How often its clock went back: it was started anew.
    var backwards: Int
  }

  /// Ends the watch; one testimony per guest.
  func end() async throws -> [Testimony] {
    process.signal(SIGTERM)
    _ = try await process.wait()
    let lines = try String(contentsOfFile: output, encoding: .utf8).split(separator: "\n")
    return lines.filter { $0.hasPrefix("summary ") }.map { line in
      let words = line.split(separator: " ")
      var values: [Substring: Double] = [:]
      for word in words.dropFirst(2) {
        let pair = word.split(separator: "=")
        if pair.count == 2 { values[pair[0]] = Double(pair[1]) }
      }
      return Testimony(
        address: String(words[1]), answers: Int(values["answers"] ?? 0), gap: Int(values["gap"] ?? -1),
        stopped: Int(values["stopped"] ?? -1), backwards: Int(values["backwards"] ?? -1))
    }
  }
}
