public import YAML

/// What the processes of a job are asked around a migration.
public enum PscomRequest: String, Sendable, CaseIterable, YAMLReadable {
  /// Close every connection that cannot migrate.
  case suspend
  /// Open them again.
  case resume
}

/// How a request is written.
public enum PscomForm: String, Sendable, CaseIterable, YAMLReadable {
  /// `task: suspend`
  case seed
  /// The bare word.
  case reference
}

extension PscomRequest {
  public func encoded(as form: PscomForm) -> [UInt8] {
    switch form {
    case .seed: YAML.emit(.mapping([("task", .string(rawValue))]))
    case .reference: Array(rawValue.utf8)
    }
  }

  /// Reads either form.
  public static func decode(_ payload: [UInt8]) throws(YAMLError) -> PscomRequest {
    let root = try YAML.parse(payload)
    guard case .mapping = root.kind else { return try PscomRequest(yaml: root) }
    var reader = try MappingReader(root)
    return try reader.required("task")
  }
}

/// A process's answer to a request; the process itself is named by the topic.
public struct PscomAnswer: Sendable, Equatable {
  /// What it answers; nil: it does not say, as the reference's processes.
  public var request: PscomRequest?
  public var isSuccess: Bool
  public var details: String?

  public init(_ request: PscomRequest?, isSuccess: Bool = true, details: String? = nil) {
    self.request = request
    self.isSuccess = isSuccess
    self.details = details
  }

  public func encoded() -> [UInt8] {
    var fields: [(String, YAMLNode)] = []
    if let request { fields.append(("task", .string(request.rawValue))) }
    fields.append(("status", isSuccess ? "success" : "error"))
    if let details { fields.append(("details", .string(details))) }
    return YAML.emit(.mapping(fields))
  }

  /// Any payload is an answer; only one that says `status: error` is a refusal.
  public static func decode(_ payload: [UInt8]) -> PscomAnswer {
    guard payload.count <= 4096, let root = try? YAML.parse(payload), case .mapping = root.kind,
      var reader = try? MappingReader(root)
    else {
      let word = payload.count <= 16 ? String(decoding: payload, as: UTF8.self) : ""
      return PscomAnswer(PscomRequest(rawValue: word))
    }
    // A field of another type says nothing that we know.
    let request = (try? reader.optional("task", as: PscomRequest.self)) ?? nil
    let status = (try? reader.optional("status", as: String.self)) ?? nil
    let details = (try? reader.optional("details", as: String.self)) ?? nil
    return PscomAnswer(request, isSuccess: status != "error", details: details)
  }
}

/// What an agent says of one process, retained; an empty payload: the process has ended.
public struct PscomProcessReport: Sendable, Equatable {
  public enum State: String, Sendable, CaseIterable, YAMLReadable {
    case running
    case suspended
  }

  public var state: State

  public init(_ state: State) {
    self.state = state
  }

  public func encoded() -> [UInt8] { YAML.emit(.mapping([("state", .string(state.rawValue))])) }

  public static func decode(_ payload: [UInt8]) throws(YAMLError) -> PscomProcessReport {
    var reader = try MappingReader(try YAML.parse(payload))
    return PscomProcessReport(try reader.required("state"))
  }
}
