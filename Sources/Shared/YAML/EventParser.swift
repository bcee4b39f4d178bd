import CLibYAML

/// libyaml's `yaml_parser_t` with everything refused that a message has no business to contain.
///
/// The limits are kept here, event by event: Debian's libyaml 0.2.5 has none of its own and is quadratic in the depth
/// of flow collections, so a check after the parse would come too late.
@safe
struct EventParser: ~Copyable {
  enum Event {
    case documentStart
    case documentEnd
    case streamEnd
    case scalar(YAMLScalar)
    case sequenceStart(flow: Bool)
    case sequenceEnd
    case mappingStart
    case mappingEnd
  }

  /// Where the last event begins.
  private(set) var mark = YAMLMark(line: 1, column: 1)

  // On the heap, because libyaml keeps a pointer to the parser inside the parser.
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  // Beside it, because a local one would be cleared and copied for each of some thousand events.
  private let event: UnsafeMutablePointer<yaml_event_t>
  private let bytes: UnsafeBufferPointer<UInt8>
  private let limits: YAMLLimits
  private var depth = 0
  private var events = 0

  /// Reads `text`, which the caller keeps in place while the parser exists.
  init(unsafe text: UnsafeBufferPointer<UInt8>, limits: YAMLLimits) throws(YAMLError) {
    // Everything that may throw comes before the first stored property is set: there is no `deinit` until then.
    guard text.count <= limits.bytes else {
      throw YAMLError(.limit, "\(text.count) bytes are more than the \(limits.bytes) that are read")
    }
    var bytes = unsafe text
    if unsafe bytes.starts(with: [0xEF, 0xBB, 0xBF]) { unsafe bytes = .init(rebasing: bytes.dropFirst(3)) }
    if unsafe bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
      throw YAMLError(.syntax, "UTF-16 is not read, only UTF-8", at: YAMLMark(line: 1, column: 1))
    }
    let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    guard unsafe yaml_parser_initialize(parser) == 1 else {
      unsafe parser.deallocate()
      throw YAMLError(.limit, "out of memory")
    }
    // Without this libyaml would look for a byte order mark and switch to UTF-16.
    unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    unsafe yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
    unsafe self.parser = parser
    unsafe event = .allocate(capacity: 1)
    unsafe self.bytes = bytes
    self.limits = limits
  }

  deinit {
    unsafe yaml_parser_delete(parser)
    unsafe parser.deallocate()
    unsafe event.deallocate()
  }

  mutating func next() throws(YAMLError) -> Event {
    while true {
      guard unsafe yaml_parser_parse(parser, event) == 1 else { throw failure() }
      // Frees the texts inside: everything that leaves this function is a copy.
      defer { unsafe yaml_event_delete(event) }
      mark = unsafe YAMLMark(event.pointee.start_mark)
      events += 1
      guard events <= limits.events else {
        throw YAMLError(.limit, "more than the \(limits.events) parts that are read", at: mark)
      }
      // What libyaml names `data` is a union, told apart by `type`.
      switch unsafe event.pointee.type {
      case YAML_SCALAR_EVENT:
        try unsafe refuse(anchor: event.pointee.data.scalar.anchor, tag: event.pointee.data.scalar.tag)
        let text = unsafe UnsafeBufferPointer(
          start: event.pointee.data.scalar.value, count: event.pointee.data.scalar.length)
        let isPlain = unsafe event.pointee.data.scalar.style == YAML_PLAIN_SCALAR_STYLE
        // libyaml has checked the UTF-8. This is the shortest way for texts that fit into a `String` itself.
        let string = unsafe String(unsafeUninitializedCapacity: text.count) {
          unsafe $0.initialize(fromContentsOf: text)
        }
        return .scalar(YAMLScalar(string, isPlain: isPlain))
      case YAML_MAPPING_START_EVENT:
        try unsafe refuse(anchor: event.pointee.data.mapping_start.anchor, tag: event.pointee.data.mapping_start.tag)
        try descend()
        return .mappingStart
      case YAML_SEQUENCE_START_EVENT:
        try unsafe refuse(anchor: event.pointee.data.sequence_start.anchor, tag: event.pointee.data.sequence_start.tag)
        try descend()
        return unsafe .sequenceStart(flow: event.pointee.data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE)
      case YAML_MAPPING_END_EVENT:
        depth -= 1
        return .mappingEnd
      case YAML_SEQUENCE_END_EVENT:
        depth -= 1
        return .sequenceEnd
      case YAML_ALIAS_EVENT:
        throw YAMLError(.forbidden, "aliases (*) are not accepted", at: mark)
      case YAML_DOCUMENT_START_EVENT:
        let tags = unsafe event.pointee.data.document_start.tag_directives
        guard unsafe tags.start == tags.end else {
          throw YAMLError(.forbidden, "%TAG directives are not accepted", at: mark)
        }
        return .documentStart
      case YAML_DOCUMENT_END_EVENT:
        return .documentEnd
      case YAML_STREAM_END_EVENT:
        return .streamEnd
      default:
        continue
      }
    }
  }

  private mutating func descend() throws(YAMLError) {
    depth += 1
    let deepest = min(limits.depth, YAMLLimits.deepest)
    guard depth <= deepest else {
      throw YAMLError(.limit, "deeper than the \(deepest) levels that are read", at: mark)
    }
  }

  private func refuse(
    anchor: UnsafeMutablePointer<yaml_char_t>?, tag: UnsafeMutablePointer<yaml_char_t>?
  ) throws(YAMLError) {
    if unsafe anchor != nil { throw YAMLError(.forbidden, "anchors (&) are not accepted", at: mark) }
    if unsafe tag != nil { throw YAMLError(.forbidden, "tags (!) are not accepted", at: mark) }
  }

  /// What libyaml says about the place where it stopped.
  private func failure() -> YAMLError {
    let state = unsafe parser.pointee
    var reason = unsafe state.problem.map { unsafe String(cString: $0) } ?? "not YAML"
    switch unsafe state.error {
    case YAML_MEMORY_ERROR:
      return YAMLError(.limit, "out of memory", at: mark)
    case YAML_READER_ERROR:
      return unsafe YAMLError(.syntax, reason, at: place(ofByte: state.problem_offset))
    default:
      if let context = unsafe state.context { reason = unsafe "\(reason) \(String(cString: context))" }
      return unsafe YAMLError(.syntax, reason, at: YAMLMark(state.problem_mark))
    }
  }

  /// libyaml's reader, which finds bytes that are no text, knows only the offset.
  private func place(ofByte offset: Int) -> YAMLMark {
    var line = 1
    var column = 1
    let end = unsafe min(offset, bytes.count)
    for index in 0..<end {
      let byte = unsafe bytes[index]
      if byte == UInt8(ascii: "\n") {
        line += 1
        column = 1
      } else if byte & 0xC0 != 0x80 {
        column += 1
      }
    }
    return YAMLMark(line: line, column: column)
  }
}

extension YAMLMark {
  fileprivate init(_ mark: yaml_mark_t) {
    self.init(line: mark.line + 1, column: mark.column + 1)
  }
}
