import ArgumentParser
import Foundation
import MessageBus
import Mosquitto

/// Live migrations of one guest to and fro, through the worker and by virsh in turns.
///
/// Runs on a lab's ctl (`Tests/Lab/bench`), between the hosts node1 and node2, each with libvirtd and a worker.
struct MigrationBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "migration", abstract: "Live migrations through the worker and by virsh, as a Markdown table.")

  @Option(help: "Migrations of each kind, in turns.")
  var count = 40

  @Option(help: "The guest; it runs on node1.")
  var vm = "vm1"

  private struct Sample {
    var seconds: Double
    /// Milliseconds, as the destination's libvirt says.
    var downtime: Double
  }

  func run() async throws {
    let client = try await Caller(
      "migration", ["fast/migfra/node1/result", "fast/migfra/node2/result"],
      BrokerAddress(host: "10.77.0.254", port: 1883))
    var ours: [Sample] = []
    var theirs: [Sample] = []
    var starts: [Double] = []
    var place = 1
    // Two of a kind, one after the other, so that both go both ways; the first ones find caches and connections.
    for round in -1..<count {
      for (isOurs, from) in [(round % 2 == 0, place), (round % 2 != 0, 3 - place)] {
        let sample = try await migrate(from: from, to: 3 - from, through: isOurs ? client : nil)
        guard round >= 0 else { continue }
        if isOurs { ours.append(sample) } else { theirs.append(sample) }
      }
      starts.append(try Self.timed { try Self.virsh("-c", "qemu+tcp://node1/system", "version") })
      // Both have gone one way and back; every other round begins at the other end.
      if round >= 0, round % 2 == 1 {
        _ = try await migrate(from: place, to: 3 - place, through: nil)
        place = 3 - place
      }
    }
    await client.bus.close(farewell: nil)

    print("| \(count) live migrations each, in turns | total, median | p90 | downtime, median | p90 |")
    print("|---|---:|---:|---:|---:|")
    print("| through the worker: task published to answer received | \(row(ours)) |")
    print("| `virsh migrate --live --p2p --persistent --undefinesource`: start to exit | \(row(theirs)) |")
    let ratio = percentile(ours.map(\.seconds), 50) / percentile(theirs.map(\.seconds), 50)
    print(
      "\nRatio of the medians of the total time: \(rounded(ratio, 3)); virsh's own start, in its figure, takes "
        + "\(rounded(percentile(starts, 50) * 1000, 0)) ms ('virsh version').")
  }

  private func migrate(from: Int, to: Int, through client: Caller?) async throws -> Sample {
    let seconds: Double
    if let client {
      let task = "task: migrate vm\nvm-name: \(vm)\ndestination: node\(to)\nparameter: {retry-counter: 0}\n"
      let (duration, answer) = try await client.exchange("fast/migfra/node\(from)/task", task)
      guard answer.contains("status: success") else { throw ValidationError("the worker says: \(answer)") }
      seconds = duration / .seconds(1)
    } else {
      seconds = try Self.timed {
        try Self.virsh(
          "-c", "qemu+tcp://node\(from)/system", "migrate", "--live", "--p2p", "--persistent", "--undefinesource", vm,
          "qemu+tcp://node\(to)/system")
      }
    }
    let job = try Self.virsh("-c", "qemu+tcp://node\(to)/system", "domjobinfo", "--completed", vm)
    let line = job.split(separator: "\n").first { $0.hasPrefix("Total downtime:") } ?? ""
    guard let downtime = line.split(separator: " ").dropFirst(2).first.flatMap({ Double($0) }) else {
      throw ValidationError("virsh domjobinfo says nothing of a downtime: \(job)")
    }
    return Sample(seconds: seconds, downtime: downtime)
  }

  private static func timed(_ body: () throws -> Void) rethrows -> Double {
    let clock = ContinuousClock()
    return try clock.measure(body) / .seconds(1)
  }

  @discardableResult
  private static func virsh(_ arguments: String...) throws -> String {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(filePath: "/usr/bin/virsh")
    process.arguments = arguments
    process.standardOutput = output
    try process.run()
    let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw ValidationError("virsh \(arguments.joined(separator: " ")): exit \(process.terminationStatus)")
    }
    return text
  }

  private func row(_ samples: [Sample]) -> String {
    let seconds = samples.map { $0.seconds * 1000 }
    let downtimes = samples.map(\.downtime)
    return [(seconds, 50), (seconds, 90), (downtimes, 50), (downtimes, 90)].map { values, percent in
      "\(rounded(percentile(values, percent), 0)) ms"
    }.joined(separator: " | ")
  }

  private func percentile(_ values: [Double], _ percent: Int) -> Double {
    let sorted = values.sorted()
    return sorted[min(sorted.count - 1, sorted.count * percent / 100)]
  }

  private func rounded(_ value: Double, _ decimals: Int) -> String { String(format: "%.\(decimals)f", value) }
}
