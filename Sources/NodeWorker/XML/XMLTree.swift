/// An XML element with everything in it: a plain value, so that no pointer of the library outlives the parse.
///
/// Names keep their prefixes as they are written ("qemu:commandline"), and `xmlns` declarations are attributes among the
/// others; white space between elements, processing instructions and the XML declaration are not kept.
public struct XMLTree: Sendable, Hashable {
  public struct Attribute: Sendable, Hashable {
    public var name: String
    public var value: String

    public init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  public enum Content: Sendable, Hashable {
    case element(XMLTree)
    case text(String)
    case comment(String)
  }

  public var name: String
  /// In the order of the text, declarations of namespaces first.
  public var attributes: [Attribute]
  public var content: [Content]

  /// - Parameter children: written in this order, after nothing else.
  public init(_ name: String, _ attributes: KeyValuePairs<String, String> = [:], _ children: [XMLTree] = []) {
    self.name = name
    self.attributes = attributes.map { Attribute(name: $0.key, value: $0.value) }
    content = children.map(Content.element)
  }

  public init(_ name: String, text: String) {
    self.init(name)
    content = [.text(text)]
  }

  /// An attribute's value; nil: there is none of that name.
  public subscript(_ attribute: String) -> String? {
    get { attributes.first { $0.name == attribute }?.value }
    set {
      let index = attributes.firstIndex { $0.name == attribute }
      switch (index, newValue) {
      case (let index?, let value?): attributes[index].value = value
      case (let index?, nil): attributes.remove(at: index)
      case (nil, let value?): attributes.append(Attribute(name: attribute, value: value))
      case (nil, nil): break
      }
    }
  }

  /// The characters directly inside; writing replaces all content.
  public var text: String {
    get {
      content.reduce(into: "") { text, part in
        if case .text(let piece) = part { text += piece }
      }
    }
    set { content = [.text(newValue)] }
  }

  public var children: [XMLTree] {
    content.compactMap { part in
      if case .element(let element) = part { element } else { nil }
    }
  }

  // MARK: - Paths

  /// All elements at the end of the path of names, as in `devices/hostdev`, in the order of the text.
  public func elements(_ path: String) -> [XMLTree] {
    path.split(separator: "/").reduce([self]) { found, name in
      found.flatMap { $0.children.filter { $0.name == name } }
    }
  }

  public func first(_ path: String) -> XMLTree? { elements(path).first }

  // MARK: - Change

  public mutating func append(_ child: XMLTree) { content.append(.element(child)) }

  /// Takes out the direct children of that name for which `condition` holds.
  public mutating func removeChildren(_ name: String, where condition: (XMLTree) -> Bool = { _ in true }) {
    content.removeAll { part in
      if case .element(let element) = part { element.name == name && condition(element) } else { false }
    }
  }

  /// Changes the first direct child of that name; one that is missing is appended first.
  public mutating func change(_ name: String, _ body: (inout XMLTree) -> Void) {
    if !changeChildren(name, atMost: 1, body) {
      var element = XMLTree(name)
      body(&element)
      append(element)
    }
  }

  /// Changes each direct child of that name, in the order of the text.
  public mutating func changeAll(_ name: String, _ body: (inout XMLTree) -> Void) {
    _ = changeChildren(name, atMost: .max, body)
  }

  /// Returns whether there was any.
  private mutating func changeChildren(_ name: String, atMost limit: Int, _ body: (inout XMLTree) -> Void) -> Bool {
    var count = 0
    for index in content.indices where count < limit {
      guard case .element(var element) = content[index], element.name == name else { continue }
      body(&element)
      content[index] = .element(element)
      count += 1
    }
    return count > 0
  }
}
