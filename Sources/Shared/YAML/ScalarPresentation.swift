extension YAMLScalar {
  /// How the emitter writes a scalar.
  enum Presentation {
    case plain
    case quoted
    case literal
  }

  func presentation(inFlow: Bool, mayBeLiteral: Bool) -> Presentation {
    let bytes = text.utf8.span
    if isPlain {
      if isNull || text.isOtherThanStringWhenPlain || isWritablePlain(bytes, inFlow: inFlow) { return .plain }
    } else if isWritablePlain(bytes, inFlow: inFlow), !mayBeReadAsOtherThanString(bytes) {
      return .plain
    }
    return mayBeLiteral && isWritableLiteral(bytes) ? .literal : .quoted
  }
}

/// Whether the text can stand without quotes as far as YAML's grammar goes. Narrower than the grammar: all that some
/// reader is known to stumble over counts as unwritable.
private func isWritablePlain(_ text: Span<UInt8>, inFlow: Bool) -> Bool {
  guard text.count > 0 else { return false }
  switch text[0] {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "/"):
    break
  default:
    return false
  }
  var previous = UInt8(ascii: "a")
  for index in text.indices {
    let byte = text[index]
    switch byte {
    case UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"), UInt8(ascii: "}"):
      return false
    case UInt8(ascii: ","):
      if inFlow { return false }
    case UInt8(ascii: ":"):
      if inFlow || index + 1 == text.count || text[index + 1] == UInt8(ascii: " ") { return false }
    case UInt8(ascii: "#"):
      if previous == UInt8(ascii: " ") { return false }
    case UInt8(ascii: " ")...UInt8(ascii: "~"):
      break
    default:
      return false
    }
    previous = byte
  }
  return previous != UInt8(ascii: " ")
}

/// Whether some reader of YAML 1.1 or 1.2 makes something else than a string of this writable plain text: a null, a
/// boolean, a number of any notation, a time.
private func mayBeReadAsOtherThanString(_ text: Span<UInt8>) -> Bool {
  let first = text[0]
  guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return isReservedWord(text) }
  if text.count > 1, first == UInt8(ascii: "0") {
    switch text[1] | 0x20 {
    case UInt8(ascii: "x"), UInt8(ascii: "o"), UInt8(ascii: "b"): return true
    default: break
    }
  }
  return isNumberLike(text) || beginsLikeDate(text)
}

private func isReservedWord(_ text: Span<UInt8>) -> Bool {
  switch text.count {
  case 1: isWord(text, "y") || isWord(text, "n")
  case 2: isWord(text, "no") || isWord(text, "on")
  case 3: isWord(text, "yes") || isWord(text, "off")
  case 4: isWord(text, "true") || isWord(text, "null")
  case 5: isWord(text, "false")
  default: false
  }
}

/// Compares without regard to case; both have the same length.
private func isWord(_ text: Span<UInt8>, _ word: StaticString) -> Bool {
  for index in text.indices where unsafe text[index] | 0x20 != word.utf8Start[index] { return false }
  return true
}

/// Digits with any of `_.,:` between them, and perhaps a decimal exponent: 0017, 1_000, 1.5, 1:30, 00:01.5, 1e3.
private func isNumberLike(_ text: Span<UInt8>) -> Bool {
  var hasExponent = false
  var index = 0
  while index < text.count {
    switch text[index] {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: ","),
      UInt8(ascii: ":"):
      break
    case UInt8(ascii: "e"), UInt8(ascii: "E"):
      if hasExponent { return false }
      hasExponent = true
      if index + 1 < text.count, text[index + 1] == UInt8(ascii: "+") || text[index + 1] == UInt8(ascii: "-") {
        index += 1
      }
    default:
      return false
    }
    index += 1
  }
  return true
}

/// 2001-12-14, with or without a time behind it.
private func beginsLikeDate(_ text: Span<UInt8>) -> Bool {
  guard text.count >= 8, text[4] == UInt8(ascii: "-") else { return false }
  for index in 0..<4 where !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[index]) { return false }
  return text[6] == UInt8(ascii: "-") || text[7] == UInt8(ascii: "-")
}

/// Whether `|` gives the text back unchanged in every reader: several lines, no blanks at their ends, nothing that
/// would need an indentation or chomping indicator with a history of bugs.
private func isWritableLiteral(_ text: Span<UInt8>) -> Bool {
  let newline = UInt8(ascii: "\n")
  guard text.count > 1, text[0] > UInt8(ascii: " ") else { return false }
  guard text[text.count - 1] != newline || text[text.count - 2] != newline else { return false }
  var hasNewline = false
  var previous = newline
  for index in text.indices {
    let byte = text[index]
    switch byte {
    case newline:
      hasNewline = true
      if previous == UInt8(ascii: " ") { return false }
    case UInt8(ascii: " ")...UInt8(ascii: "~"):
      break
    case 0x80...:
      // Control characters, line separators and byte order marks are in here; the rest is not worth telling apart.
      if byte == 0xC2 || byte == 0xE2 || byte >= 0xED { return false }
    default:
      return false
    }
    previous = byte
  }
  return hasNewline && previous != UInt8(ascii: " ")
}
