import CLibYAML

/// libyaml's `yaml_emitter_t`, writing one tree into a growing array.
///
/// Nothing here fails but for want of memory: the events are in order by construction and Swift's strings are UTF-8.
@safe
struct Emitter: ~Copyable {
  // On the heap, because libyaml keeps a pointer to the emitter inside the emitter.
  private let emitter: UnsafeMutablePointer<yaml_emitter_t>
  private var flowDepth = 0

  static func emit(_ node: YAMLNode) -> [UInt8] {
    var bytes: [UInt8] = []
    unsafe withUnsafeMutablePointer(to: &bytes) { bytes in
      var emitter = unsafe Emitter(unsafe: bytes)
      emitter.document(node)
    }
    return bytes
  }

  /// Writes into `bytes`, which the caller keeps in place while the emitter exists.
  private init(unsafe bytes: UnsafeMutablePointer<[UInt8]>) {
    unsafe emitter = .allocate(capacity: 1)
    unsafe Self.check(yaml_emitter_initialize(emitter))
    unsafe yaml_emitter_set_output(
      emitter,
      { target, buffer, count in
        guard let target = unsafe target?.assumingMemoryBound(to: [UInt8].self) else { return 0 }
        unsafe target.pointee.append(contentsOf: UnsafeBufferPointer(start: buffer, count: count))
        return 1
      }, bytes)
    unsafe yaml_emitter_set_unicode(emitter, 1)
    // Folded lines gain nothing and trip readers that know only half of YAML.
    unsafe yaml_emitter_set_width(emitter, -1)
  }

  deinit {
    unsafe yaml_emitter_delete(emitter)
    unsafe emitter.deallocate()
  }

  private mutating func document(_ root: YAMLNode) {
    var event = unsafe yaml_event_t()
    unsafe Self.check(yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING))
    unsafe write(&event)
    unsafe Self.check(yaml_document_start_event_initialize(&event, nil, nil, nil, 1))
    unsafe write(&event)
    write(root, isRoot: true)
    unsafe Self.check(yaml_document_end_event_initialize(&event, 1))
    unsafe write(&event)
    unsafe Self.check(yaml_stream_end_event_initialize(&event))
    unsafe write(&event)
    unsafe Self.check(yaml_emitter_flush(emitter))
  }

  private mutating func write(_ node: YAMLNode, isRoot: Bool = false) {
    var event = unsafe yaml_event_t()
    switch node.kind {
    case .scalar(let scalar):
      write(scalar, mayBeLiteral: !isRoot)
    case .sequence(let items, let flow):
      let isFlow = flow || flowDepth > 0
      unsafe Self.check(
        yaml_sequence_start_event_initialize(
          &event, nil, nil, 1, isFlow ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE))
      unsafe write(&event)
      flowDepth += isFlow ? 1 : 0
      for item in items { write(item) }
      flowDepth -= isFlow ? 1 : 0
      unsafe Self.check(yaml_sequence_end_event_initialize(&event))
      unsafe write(&event)
    case .mapping(let mapping):
      unsafe Self.check(
        yaml_mapping_start_event_initialize(
          &event, nil, nil, 1, flowDepth > 0 ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE))
      unsafe write(&event)
      for entry in mapping.entries {
        write(YAMLScalar(entry.key, isPlain: false), mayBeLiteral: false)
        write(entry.value)
      }
      unsafe Self.check(yaml_mapping_end_event_initialize(&event))
      unsafe write(&event)
    }
  }

  private mutating func write(_ scalar: YAMLScalar, mayBeLiteral: Bool) {
    let isInFlow = flowDepth > 0
    let style =
      switch scalar.presentation(inFlow: isInFlow, mayBeLiteral: mayBeLiteral && !isInFlow) {
      case .plain: YAML_PLAIN_SCALAR_STYLE
      case .quoted: YAML_DOUBLE_QUOTED_SCALAR_STYLE
      case .literal: YAML_LITERAL_SCALAR_STYLE
      }
    var event = unsafe yaml_event_t()
    // Nothing is not writable everywhere, the word is.
    let text = scalar.isPlain && scalar.text.isEmpty ? "null" : scalar.text
    let made = unsafe text.utf8.span.withUnsafeBufferPointer { text in
      // libyaml copies the text; an empty one may have no address, which it would take for an error.
      unsafe yaml_scalar_event_initialize(
        &event, nil, nil, text.baseAddress ?? UnsafePointer(bitPattern: 1), Int32(text.count), 1, 1, style)
    }
    Self.check(made)
    unsafe write(&event)
  }

  /// Hands over the event, which libyaml frees.
  private func write(_ event: UnsafeMutablePointer<yaml_event_t>) {
    unsafe Self.check(yaml_emitter_emit(emitter, event))
  }

  private static func check(_ succeeded: Int32) {
    precondition(succeeded == 1, "libyaml is out of memory")
  }
}
