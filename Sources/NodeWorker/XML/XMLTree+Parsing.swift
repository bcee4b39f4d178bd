import CLibXML

extension XMLTree {
  /// The largest text that is read, in bytes.
  public static let largestText = 1 << 20

  /// Reads a whole document. It cannot reach a file or the network, and no text in it grows: entities are declared in a
  /// DOCTYPE, and a document with a DOCTYPE is refused at that point. libxml2 itself refuses more than 256 levels.
  public init(parsing text: String) throws(XMLError) {
    var text = text
    let outcome = text.withUTF8 { bytes in Result { () throws(XMLError) in try unsafe Self.parse(bytes) } }
    self = try outcome.get()
  }

  private static func parse(_ bytes: UnsafeBufferPointer<UInt8>) throws(XMLError) -> XMLTree {
    guard bytes.count <= largestText else {
      throw XMLError(.limit, "\(bytes.count) bytes are more than the \(largestText) that are read")
    }
    // The library takes a NUL for the end of the text.
    if let nul = unsafe bytes.firstIndex(of: 0) {
      let line = unsafe bytes[..<nul].count { $0 == UInt8(ascii: "\n") } + 1
      throw XMLError(.syntax, "a NUL character", line: line)
    }
    try unsafe refuseManyAttributes(bytes)
    guard let parser = unsafe xmlNewParserCtxt() else { throw XMLError(.limit, "out of memory") }
    defer { unsafe xmlFreeParserCtxt(parser) }
    unsafe clibxml_refuse_doctype(parser)
    // A `String` is UTF-8, whatever the document declares.
    let options = [XML_PARSE_NONET, XML_PARSE_NOERROR, XML_PARSE_NOWARNING, XML_PARSE_IGNORE_ENC]
      .reduce(0) { $0 | Int32($1.rawValue) }
    let start = unsafe UnsafeRawPointer(bytes.baseAddress)?.assumingMemoryBound(to: CChar.self)
    let document = unsafe xmlCtxtReadMemory(parser, start, Int32(bytes.count), nil, "UTF-8", options)
    defer { unsafe xmlFreeDoc(document) }
    guard let document = unsafe document, let root = unsafe xmlDocGetRootElement(document) else {
      throw unsafe failure(of: parser)
    }
    return unsafe XMLTree(copying: root)
  }

  /// The library compares each attribute of an element with all others: a mebibyte of them takes it ten seconds.
  private static func refuseManyAttributes(_ bytes: UnsafeBufferPointer<UInt8>) throws(XMLError) {
    var count = 0
    for index in 0..<bytes.count {
      let byte = unsafe bytes[index]
      if byte == UInt8(ascii: "<") { count = 0 }
      if byte == UInt8(ascii: "=") { count += 1 }
      guard count <= 4096 else { throw XMLError(.limit, "more than 4096 attributes in one element") }
    }
  }

  private static func failure(of parser: xmlParserCtxtPtr) -> XMLError {
    guard let error = unsafe xmlCtxtGetLastError(parser) else {
      // Stopping leaves a number, but no message.
      guard unsafe parser.pointee.errNo == Int32(XML_ERR_USER_STOP.rawValue) else {
        return XMLError(.syntax, "there is no XML element")
      }
      return XMLError(.forbidden, "a DOCTYPE, which is not read")
    }
    let message = unsafe error.pointee.message.map { unsafe String(cString: $0) } ?? "not XML"
    return unsafe XMLError(
      .syntax, String(message.prefix { !$0.isNewline }.prefix(200)), line: Int(error.pointee.line))
  }
}

extension XMLTree {
  /// - Parameter node: an element of a document that was parsed without error.
  private init(copying node: xmlNodePtr) {
    unsafe self.init(qualified(node.pointee.name, node.pointee.ns))
    var namespace = unsafe node.pointee.nsDef
    while let current = unsafe namespace {
      let prefix = unsafe current.pointee.prefix.map { unsafe ":" + String(cString: $0) } ?? ""
      attributes.append(Attribute(name: "xmlns" + prefix, value: unsafe string(current.pointee.href)))
      unsafe namespace = unsafe current.pointee.next
    }
    var attribute = unsafe node.pointee.properties
    while let current = unsafe attribute {
      var value = ""
      var piece = unsafe current.pointee.children
      while let part = unsafe piece {
        value += unsafe string(part.pointee.content)
        unsafe piece = unsafe part.pointee.next
      }
      attributes.append(
        Attribute(name: unsafe qualified(current.pointee.name, current.pointee.ns), value: value))
      unsafe attribute = unsafe current.pointee.next
    }
    var child = unsafe node.pointee.children
    while let current = unsafe child {
      switch unsafe current.pointee.type {
      case XML_ELEMENT_NODE: content.append(.element(unsafe XMLTree(copying: current)))
      case XML_TEXT_NODE, XML_CDATA_SECTION_NODE: append(unsafe string(current.pointee.content))
      case XML_COMMENT_NODE: content.append(.comment(unsafe string(current.pointee.content)))
      default: break
      }
      unsafe child = unsafe current.pointee.next
    }
    dropLayout()
  }

  /// What was kept apart by something that is not read, or as CDATA, is one text.
  private mutating func append(_ text: String) {
    guard case .text(var joined)? = content.last else { return content.append(.text(text)) }
    content.removeLast()
    joined += text
    content.append(.text(joined))
  }

  /// White space between elements is for the eye.
  private mutating func dropLayout() {
    var holdsElement = false
    for part in content {
      switch part {
      case .text(let text): if !text.allSatisfy(\.isWhitespace) { return }
      case .element: holdsElement = true
      case .comment: break
      }
    }
    guard holdsElement else { return }
    content.removeAll { part in
      if case .text = part { true } else { false }
    }
  }
}

private func qualified(_ name: UnsafePointer<xmlChar>?, _ namespace: xmlNsPtr?) -> String {
  guard let prefix = unsafe namespace?.pointee.prefix else { return unsafe string(name) }
  return unsafe string(prefix) + ":" + string(name)
}

private func string(_ characters: UnsafePointer<xmlChar>?) -> String {
  unsafe characters.map { unsafe String(cString: $0) } ?? ""
}
