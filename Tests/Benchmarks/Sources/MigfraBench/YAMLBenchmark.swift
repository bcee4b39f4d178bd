import ArgumentParser
import Foundation
import YAML
import Yams

/// Our YAML module against Yams: text to typed value and back.
struct YAMLBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "yaml", abstract: "Messages a second, our YAML module and Yams, as Markdown tables.")

  /// The figures of one message.
  private struct Column {
    var title: String
    var decoding: [Double]
    var encoding: [Double]
  }

  struct Disagreement: Error, CustomStringConvertible {
    var description: String
  }

  @Option(help: "Rounds; the median counts.") var rounds = 31
  @Option(help: "Seconds a round.") var seconds = 0.07

  func validate() throws {
    guard rounds > 0, seconds > 0 else { throw ValidationError("There must be something to measure.") }
  }

  func run() throws {
    let columns = [
      try column("migrate", MigrateMessage.self), try column("result40", ResultMessage.self),
      try column("start4k", StartMessage.self),
    ]
    printHead()
    printTable(
      "decode", ["Yams `YAMLDecoder`", "Yams `compose`, by hand", "ours"], columns.map { ($0.title, $0.decoding) })
    print()
    printTable("encode", ["Yams `YAMLEncoder`", "ours"], columns.map { ($0.title, $0.encoding) })
  }

  private func column<M: BenchMessage>(_ name: String, _ type: M.Type) throws -> Column {
    let text = M.text
    let bytes = Array(text.utf8)
    let decodeOurs = { () throws -> M in
      var reader = try MappingReader(YAML.parse(bytes))
      let message = try M(&reader)
      try reader.refuseUnread()
      return message
    }
    let decodeYams = { try YAMLDecoder().decode(M.self, from: text) }
    let decodeByHand = { () throws -> M in
      guard let node = try Yams.compose(yaml: text) else { throw Disagreement(description: "\(name): no document") }
      return try M(node)
    }

    let message = try decodeOurs()
    let encodeOurs = { YAML.emit(message.yaml) }
    let encodeYams = { try YAMLEncoder().encode(message) }

    // Speed counts only between things that do the same.
    guard try decodeYams() == message, try decodeByHand() == message else {
      throw Disagreement(description: "\(name): the decoders disagree")
    }
    var reader = try MappingReader(YAML.parse(encodeYams()))
    guard try M(&reader) == message,
      try YAMLDecoder().decode(M.self, from: String(decoding: encodeOurs(), as: UTF8.self)) == message
    else { throw Disagreement(description: "\(name): the encoders disagree") }

    let throughput = Throughput(rounds: rounds, seconds: seconds)
    return Column(
      title: "\(name), \(bytes.count) B",
      decoding: try throughput.measure([
        { keep(try decodeYams()) }, { keep(try decodeByHand()) }, { keep(try decodeOurs()) },
      ]),
      encoding: try throughput.measure([{ keep(try encodeYams()) }, { keep(encodeOurs()) }]))
  }

  private func printHead() {
    let today = Date.now.formatted(.iso8601.year().month().day())
    let processors = ProcessInfo.processInfo.activeProcessorCount
    var load = 0.0
    unsafe getloadavg(&load, 1)
    print(
      """
      \(today), `swift run -c release --package-path Tests/Benchmarks migfra-bench yaml`, \(processors) cores, load \
      \(load.formatted(.number.precision(.fractionLength(1)))). Messages a second of processor time, the median of \
      \(rounds) rounds of \(seconds) s; in brackets against the first line.

      """)
  }

  private func printTable(_ title: String, _ rows: [String], _ columns: [(title: String, rates: [Double])]) {
    print("| \(title) | \(columns.map(\.title).joined(separator: " | ")) |")
    print("|---|" + String(repeating: "---:|", count: columns.count))
    for (index, row) in rows.enumerated() {
      let cells = columns.map { column in
        let rate = Int(column.rates[index].rounded()).formatted(.number.locale(Locale(identifier: "en_US")))
        let ratio = column.rates[index] / column.rates[0]
        let digits = ratio < 10 ? 1 : 0
        return index == 0 ? rate : "\(rate) (\(ratio.formatted(.number.precision(.fractionLength(digits))))x)"
      }
      print("| \(row) | \(cells.joined(separator: " | ")) |")
    }
  }
}
