extension String {
  /// The text between single quotes, fit for one line of a log: cut after 60 characters, control characters escaped.
  var quotedForErrors: String {
    "'\(shortenedForErrors)'"
  }

  var shortenedForErrors: String {
    var line = ""
    var count = 0
    for scalar in unicodeScalars {
      guard count < 60 else { return line + "..." }
      count += 1
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
        line += "\\u{\(String(scalar.value, radix: 16))}"
      default:
        line.unicodeScalars.append(scalar)
      }
    }
    return line
  }
}
