extension XMLTree: CustomStringConvertible {
  /// The element as text, laid out as libvirt does: two blanks deeper per level, single quotes.
  public var description: String {
    var text = ""
    write(to: &text, indentation: "")
    return text
  }

  private func write(to text: inout String, indentation: String) {
    text += "\(indentation)<\(name)"
    for attribute in attributes { text += " \(attribute.name)='\(escape(attribute.value, inAttribute: true))'" }
    guard !content.isEmpty else {
      text += "/>\n"
      return
    }
    text += ">"
    if holdsText {
      // Among characters white space has a meaning: none is added.
      for part in content { text += part.inline }
    } else {
      text += "\n"
      for part in content {
        if case .element(let element) = part {
          element.write(to: &text, indentation: indentation + "  ")
        } else {
          text += "\(indentation)  \(part.inline)\n"
        }
      }
      text += indentation
    }
    text += "</\(name)>\n"
  }

  private var holdsText: Bool {
    content.contains { part in
      if case .text = part { true } else { false }
    }
  }
}

extension XMLTree.Content {
  fileprivate var inline: String {
    switch self {
    case .text(let text): escape(text, inAttribute: false)
    case .comment(let text): "<!--\(text)-->"
    case .element(let element):
      // What is between its own tags only: the line end behind it would be text of the element around it.
      String(element.description.dropLast())
    }
  }
}

/// Writes the characters that mean something to a parser, or would not survive one, as references.
private func escape(_ text: String, inAttribute: Bool) -> String {
  var escaped = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": escaped += "&amp;"
    case "<": escaped += "&lt;"
    case ">": escaped += "&gt;"
    case "'" where inAttribute: escaped += "&apos;"
    case "\r": escaped += "&#13;"
    case "\n" where inAttribute, "\t" where inAttribute: escaped += "&#\(scalar.value);"
    default: escaped.unicodeScalars.append(scalar)
    }
  }
  return escaped
}
