/// The number a plain text stands for: decimal or `0x` hexadecimal, with or without a sign. `017` is seventeen; octal,
/// binary, underscores and sexagesimal of YAML 1.1 are no numbers here.
enum IntegerText {
  case notAnInteger
  /// An integer beyond 64 bits.
  case tooLarge
  case value(magnitude: UInt64, isNegative: Bool)

  init(_ text: Span<UInt8>) {
    var index = 0
    var isNegative = false
    if text.count > 0, text[0] == UInt8(ascii: "-") || text[0] == UInt8(ascii: "+") {
      isNegative = text[0] == UInt8(ascii: "-")
      index = 1
    }
    let isHexadecimal =
      text.count > index + 2 && text[index] == UInt8(ascii: "0") && text[index + 1] == UInt8(ascii: "x")
    if isHexadecimal { index += 2 }
    guard index < text.count else {
      self = .notAnInteger
      return
    }
    let radix: UInt64 = isHexadecimal ? 16 : 10
    var magnitude: UInt64 = 0
    var isTooLarge = false
    while index < text.count {
      let byte = text[index]
      let digit: UInt64
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        digit = UInt64(byte &- UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f") where isHexadecimal,
        UInt8(ascii: "A")...UInt8(ascii: "F") where isHexadecimal:
        digit = UInt64((byte | 0x20) &- UInt8(ascii: "a")) + 10
      default:
        self = .notAnInteger
        return
      }
      let (product, overflow) = magnitude.multipliedReportingOverflow(by: radix)
      let (sum, carry) = product.addingReportingOverflow(digit)
      isTooLarge = isTooLarge || overflow || carry
      magnitude = sum
      index += 1
    }
    self = isTooLarge ? .tooLarge : .value(magnitude: magnitude, isNegative: isNegative)
  }
}

/// The finite decimal number a plain text stands for; nil for all else, `.inf` and `.nan` included.
func realNumber(_ string: String) -> Double? {
  let text = string.utf8.span
  var index = 0
  var isNegative = false
  if text.count > 0, text[0] == UInt8(ascii: "-") || text[0] == UInt8(ascii: "+") {
    isNegative = text[0] == UInt8(ascii: "-")
    index = 1
  }
  var digits = 0
  var decimals = 0
  var mantissa: UInt64 = 0
  var hasPoint = false
  scan: while index < text.count {
    switch text[index] {
    case UInt8(ascii: "0")...UInt8(ascii: "9"):
      // 15 digits fit a Double exactly; with more the result is not used.
      mantissa = mantissa &* 10 &+ UInt64(text[index] &- UInt8(ascii: "0"))
      digits += 1
      if hasPoint { decimals += 1 }
    case UInt8(ascii: ".") where !hasPoint:
      hasPoint = true
    default:
      break scan
    }
    index += 1
  }
  guard digits > 0 else { return nil }
  if index == text.count, digits <= 15 {
    // Both are exact, so that the one division rounds as it should.
    let number = Double(mantissa) / powersOfTen[decimals]
    return isNegative ? -number : number
  }
  if index < text.count {
    guard text[index] | 0x20 == UInt8(ascii: "e") else { return nil }
    index += 1
    if index < text.count, text[index] == UInt8(ascii: "-") || text[index] == UInt8(ascii: "+") { index += 1 }
    guard index < text.count else { return nil }
    while index < text.count {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[index]) else { return nil }
      index += 1
    }
  }
  guard let number = Double(string), number.isFinite else { return nil }
  return number
}

private let powersOfTen: [Double] = [
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
]

extension String {
  /// The boolean this text stands for when plain. `y`, `n`, `0` and `1` are none.
  var booleanWhenPlain: Bool? {
    switch self {
    case "true", "yes", "on", "True", "Yes", "On", "TRUE", "YES", "ON": true
    case "false", "no", "off", "False", "No", "Off", "FALSE", "NO", "OFF": false
    default: nil
    }
  }

  /// Whether quotes around this text would change its meaning for a reader of this module (null is dealt with apart).
  var isOtherThanStringWhenPlain: Bool {
    if booleanWhenPlain != nil { return true }
    if case .notAnInteger = IntegerText(utf8.span) { return realNumber(self) != nil }
    return true
  }
}
