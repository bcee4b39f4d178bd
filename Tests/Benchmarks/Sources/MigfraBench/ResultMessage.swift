import YAML
import Yams

/// `result40`: the answer to an evacuation of 40 VMs, with the time each phase took.
struct ResultMessage: BenchMessage {
  struct VM: Codable, Equatable {
    enum CodingKeys: String, CodingKey {
      case vmName = "vm-name"
      case status, details
      case processID = "process-id"
      case timeMeasurement = "time-measurement"
    }

    var vmName: String
    var status: String
    var details: String?
    var processID: UInt32?
    var timeMeasurement: [Phase]
  }

  /// One `tag: seconds`, as the protocol has it: a mapping whose only key is not known before.
  struct Phase: Equatable {
    var tag: String
    var seconds: Double
  }

  var result: String
  var id: String
  var list: [VM]

  static let text =
    "result: node evacuated\nid: 3f0c2a9e-5d1b-4c1e-9b57-0d6a1c2e8f44\nlist:\n"
    + (0..<40).map { number in
      let micros = String(345_678 + number * 13)
      return """
          - vm-name: vm-\(1000 + number)
            status: success
            process-id: \(20_000 + 37 * number)
            time-measurement:
              - overall: 2.\(micros)
              - migrate: 1.\(micros)
              - repin: 0.\(micros)

        """
    }.joined()
}

extension ResultMessage {
  init(_ reader: inout MappingReader) throws(YAMLError) {
    result = try reader.required("result")
    id = try reader.required("id")
    guard let list = try reader.list("list", VM.init) else { throw reader.error("required", key: "list") }
    self.list = list
  }

  init(_ node: Yams.Node) throws {
    result = try node.required("result", \.string)
    id = try node.required("id", \.string)
    list = try node.list("list", VM.init)
  }

  var yaml: YAMLNode {
    .mapping([("result", .string(result)), ("id", .string(id)), ("list", .sequence(list.map(\.yaml)))])
  }
}

extension ResultMessage.VM {
  init(_ reader: inout MappingReader) throws(YAMLError) {
    vmName = try reader.required("vm-name")
    status = try reader.required("status")
    details = try reader.optional("details")
    processID = try reader.optional("process-id")
    timeMeasurement = try reader.required("time-measurement")
  }

  init(_ node: Yams.Node) throws {
    vmName = try node.required("vm-name", \.string)
    status = try node.required("status", \.string)
    details = try node.optional("details", \.string)
    processID = try node.optional("process-id") { $0.int.map { UInt32(truncatingIfNeeded: $0) } }
    timeMeasurement = try node.list("time-measurement") { phase in
      guard let pair = phase.mapping?.first, let tag = pair.key.string, let seconds = pair.value.float else {
        throw Unreadable(key: "time-measurement")
      }
      return ResultMessage.Phase(tag: tag, seconds: seconds)
    }
  }

  var yaml: YAMLNode {
    var entries: [(String, YAMLNode)] = [("vm-name", .string(vmName)), ("status", .string(status))]
    if let details { entries.append(("details", .string(details))) }
    if let processID { entries.append(("process-id", .integer(processID))) }
    let phases = timeMeasurement.map { phase in YAMLNode.mapping([(phase.tag, .real(phase.seconds))]) }
    entries.append(("time-measurement", .sequence(phases)))
    return .mapping(entries)
  }
}

extension ResultMessage.Phase: YAMLReadable {
  static let expectation = "one pair of tag and seconds"

  init(yaml: YAMLNode) throws(YAMLError) {
    guard case .mapping(let mapping) = yaml.kind, mapping.entries.count == 1, let entry = mapping.entries.first else {
      throw YAMLError(.type, "expected \(Self.expectation), found \(yaml.found)", at: yaml.mark)
    }
    tag = entry.key
    seconds = try Double(yaml: entry.value)
  }
}

extension ResultMessage.Phase: Codable {
  private struct Tag: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) {
      self.stringValue = stringValue
    }

    init?(intValue: Int) { nil }
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Tag.self)
    guard let tag = container.allKeys.first else { throw Unreadable(key: "time-measurement") }
    self.init(tag: tag.stringValue, seconds: try container.decode(Double.self, forKey: tag))
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Tag.self)
    try container.encode(seconds, forKey: Tag(stringValue: tag))
  }
}
