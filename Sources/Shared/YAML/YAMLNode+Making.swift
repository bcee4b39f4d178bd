extension YAMLNode {
  /// A string, whatever it looks like: `.string("0017")` is read back as those four characters.
  public static func string(_ text: String) -> YAMLNode {
    YAMLNode(.scalar(YAMLScalar(text, isPlain: false)))
  }

  public static func integer(_ value: some BinaryInteger) -> YAMLNode {
    YAMLNode(.scalar(YAMLScalar(String(value), isPlain: true)))
  }

  /// `0x15b3`: at least as many digits as the type has.
  public static func hexadecimal(_ value: some FixedWidthInteger & UnsignedInteger) -> YAMLNode {
    let digits = String(value, radix: 16)
    let zeros = String(repeating: "0", count: type(of: value).bitWidth / 4 - digits.utf8.count)
    return YAMLNode(.scalar(YAMLScalar("0x\(zeros)\(digits)", isPlain: true)))
  }

  public static func boolean(_ value: Bool) -> YAMLNode {
    YAMLNode(.scalar(YAMLScalar(value ? "true" : "false", isPlain: true)))
  }

  /// A number with exactly `decimals` decimals (0 to 9); with an exponent only from 2^63 units of the last decimal on.
  /// Null for what is no finite number, because no reader of messages takes that for one.
  public static func real(_ value: Double, decimals: Int = 6) -> YAMLNode {
    value.isFinite ? YAMLNode(.scalar(YAMLScalar(value.fixedPoint(decimals: decimals), isPlain: true))) : .null
  }

  /// One item a line.
  public static func sequence(_ items: [YAMLNode]) -> YAMLNode {
    YAMLNode(.sequence(items, flow: false))
  }

  /// `[a, b]`; everything inside is written in flow form too.
  public static func flow(_ items: [YAMLNode]) -> YAMLNode {
    YAMLNode(.sequence(items, flow: true))
  }

  /// The caller sees to it that no key comes twice: every strict reader would refuse the text.
  public static func mapping(_ entries: [(String, YAMLNode)]) -> YAMLNode {
    YAMLNode(.mapping(YAMLMapping(entries)))
  }

  public static let null = YAMLNode(.scalar(YAMLScalar("null", isPlain: true)))
}

extension YAMLNode: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
  public init(stringLiteral value: String) {
    self = .string(value)
  }

  public init(integerLiteral value: Int) {
    self = .integer(value)
  }

  public init(booleanLiteral value: Bool) {
    self = .boolean(value)
  }
}

extension Double {
  fileprivate func fixedPoint(decimals: Int) -> String {
    precondition((0...9).contains(decimals), "0 to 9 decimals")
    var scale: UInt64 = 1
    for _ in 0..<decimals { scale *= 10 }
    let scaled = magnitude * Double(scale)
    guard scaled < 0x1p63 else {
      // YAML 1.1 wants a point in front of an exponent: 1e+20 would be a string.
      let text = description
      guard let exponent = text.firstIndex(of: "e"), !text.contains(".") else { return text }
      return text[..<exponent] + ".0" + text[exponent...]
    }
    // Rounded by hand: `rounded()` is a call into libm, which a program of this module alone is not linked with.
    var units = UInt64(scaled)
    let rest = scaled - Double(units)
    if rest > 0.5 || rest == 0.5 && units % 2 == 1 { units += 1 }
    let sign = self < 0 && units != 0 ? "-" : ""
    guard decimals > 0 else { return "\(sign)\(units)" }
    let fraction = String(units % scale)
    return "\(sign)\(units / scale).\(String(repeating: "0", count: decimals - fraction.utf8.count))\(fraction)"
  }
}
