import ArgumentParser
import Foundation
import MessageBus
import Mosquitto

/// A task's way to a worker and its answer's way back, next to a bare ping through the same broker.
///
/// Broker and worker are processes of their own on this machine; the worker runs on libvirt's test driver, so that what
/// is measured is ours: reading, journalling to disk twice, deciding, answering.
struct RoundTripBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "round-trip", abstract: "Suspend and resume through a worker, and a ping, as a Markdown table.")

  @Option(help: "Round trips of each kind, in turns.")
  var count = 2000

  @Option(help: ArgumentHelp("Where migfra-worker is.", valueName: "folder"))
  var programs = ".build/release"

  func run() async throws {
    let broker = try LocalBroker()
    defer { broker.end() }
    let worker = try Process.started(
      "\(programs)/migfra-worker",
      [
        "--broker", "127.0.0.1:\(broker.address.port)", "--host", "bench", "--hypervisor-uri", "test:///default",
        "--state-directory", broker.folder.appending(path: "state").path, "--log-level", "error",
      ])
    defer { worker.terminate() }

    let echo = try await Caller("echo", ["bench/ping"], broker.address)
    let client = try await Caller(
      "client", ["fast/migfra/bench/result", "bench/pong", "fast/migfra/bench/state"], broker.address)
    try await client.awaitMessage(on: "fast/migfra/bench/state")
    let echoing = Task {
      for await message in echo.messages {
        try await echo.bus.publish(BusMessage(topic: "bench/pong", payload: message.payload))
      }
    }
    var pings: [Duration] = []
    var tasks: [Duration] = []
    // The first ones find connections, caches and the worker's first look at libvirt.
    for round in -50..<count {
      let ping = try await client.ask("bench/ping", "\(round)")
      let kind = round % 2 == 0 ? "suspend vm" : "resume vm"
      let task = try await client.ask("fast/migfra/bench/task", "task: \(kind)\nlist: [{vm-name: test}]\n")
      if round >= 0 {
        pings.append(ping)
        tasks.append(task)
      }
    }
    echoing.cancel()
    await client.bus.close(farewell: nil)
    await echo.bus.close(farewell: nil)

    print("| round trip, one at a time | p50 | p99 |\n|---|---:|---:|")
    print("| ping: publish, echo by another client | \(text(pings, 50)) | \(text(pings, 99)) |")
    print("| task: suspend or resume through a worker | \(text(tasks, 50)) | \(text(tasks, 99)) |")
    let ratio = Double(percentile(tasks, 50)) / Double(percentile(pings, 50))
    print("\nThe task's p50 is \((ratio * 10).rounded() / 10) times the ping's; \(count) of each, in turns.")
  }

  /// Microseconds.
  private func percentile(_ durations: [Duration], _ percent: Int) -> Int {
    let sorted = durations.sorted()
    let middle = sorted[min(sorted.count - 1, sorted.count * percent / 100)].components
    return Int(middle.seconds) * 1_000_000 + Int(middle.attoseconds / 1_000_000_000_000)
  }

  private func text(_ durations: [Duration], _ percent: Int) -> String { "\(percentile(durations, percent)) us" }
}
