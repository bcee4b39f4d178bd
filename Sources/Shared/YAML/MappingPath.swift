/// Where in its text a mapping stands, put into words only when an error needs them: most messages have none.
@usableFromInline
struct MappingPath: Sendable {
  /// A step on the way, shared by all readers below it.
  @usableFromInline
  final class Step: Sendable {
    let outer: Step?
    let text: String
    let index: Int?

    init(outer: Step?, text: String, index: Int?) {
      self.outer = outer
      self.text = text
      self.index = index
    }

    var description: String {
      let prefix = outer.map { $0.description } ?? ""
      let own = index.map { "\(text)[\($0)]" } ?? text
      return prefix.isEmpty ? own : own.isEmpty ? prefix : "\(prefix).\(own)"
    }
  }

  private let outer: Step?
  private let text: String
  private let index: Int?

  init(_ text: String) {
    self.init(outer: nil, text: text, index: nil)
  }

  private init(outer: Step?, text: String, index: Int?) {
    self.outer = outer
    self.text = text
    self.index = index
  }

  /// This mapping as the first part of others' paths.
  var step: Step? {
    outer == nil && text.isEmpty && index == nil ? nil : Step(outer: outer, text: text, index: index)
  }

  static func below(_ step: Step?, key: String, index: Int? = nil) -> MappingPath {
    MappingPath(outer: step, text: key, index: index)
  }

  var description: String {
    Step(outer: outer, text: text, index: index).description
  }

  func description(of key: String) -> String {
    let own = description
    return own.isEmpty ? key.shortenedForErrors : "\(own).\(key.shortenedForErrors)"
  }
}
