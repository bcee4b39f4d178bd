import ClusterModel
import Foundation

/// Prints a value as JSON, with stable order and readable names.
func printJSON(_ value: some Encodable) throws {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  encoder.keyEncodingStrategy = .convertToSnakeCase
  print(String(decoding: try encoder.encode(value), as: UTF8.self))
}

/// Seconds since 1970, in the time zone of who looks.
func timeText(_ seconds: Double) -> String {
  Date(timeIntervalSince1970: seconds).formatted(
    Date.ISO8601FormatStyle(dateTimeSeparator: .space, timeZone: .current).year().month().day()
      .dateTimeSeparator(.space).time(includingFractionalSeconds: false))
}

/// Columns for people: as wide as their widest cell; numbers to the right.
struct Table {
  private let header: [String]
  private let rightAligned: Set<Int>
  private var rows: [[String]] = []

  init(_ header: [String], rightAligned: Set<Int> = []) {
    self.header = header
    self.rightAligned = rightAligned
  }

  mutating func add(_ row: [String]) {
    rows.append(row)
  }

  var text: String {
    let lines = [header] + rows
    let widths = header.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    return lines.map { line in
      line.enumerated().map { column, cell in
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        return rightAligned.contains(column) ? padding + cell : cell + padding
      }.joined(separator: "  ").trimmingTrailingSpaces
    }.joined(separator: "\n")
  }
}

extension String {
  fileprivate var trimmingTrailingSpaces: String {
    var text = self[...]
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}

/// "3.2 of 64 GiB" style: how much of something is used.
func share(_ used: Int, of total: Int) -> String {
  "\(SizeText.kibibytes(used)) / \(SizeText.kibibytes(total))"
}
