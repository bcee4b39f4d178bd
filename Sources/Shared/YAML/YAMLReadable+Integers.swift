extension YAMLReadable where Self: FixedWidthInteger {
  public static var expectation: String { isSigned ? "an integer" : "an unsigned integer" }

  public init(yaml: YAMLNode) throws(YAMLError) {
    guard case .scalar(let scalar) = yaml.kind, scalar.isPlain else { throw yaml.mismatch(Self.expectation) }
    switch IntegerText(scalar.text.utf8.span) {
    case .notAnInteger:
      throw yaml.mismatch(Self.expectation)
    case .tooLarge:
      throw yaml.mismatch(Self.expectationWithRange)
    case .value(let magnitude, isNegative: false):
      guard let value = Self(exactly: magnitude) else { throw yaml.mismatch(Self.expectationWithRange) }
      self = value
    case .value(let magnitude, isNegative: true):
      // The smallest number has no positive counterpart.
      let value = Int64(exactly: magnitude).map { 0 - $0 } ?? (magnitude == 1 << 63 ? Int64.min : nil)
      guard let value, let value = Self(exactly: value) else { throw yaml.mismatch(Self.expectationWithRange) }
      self = value
    }
  }

  private static var expectationWithRange: String {
    isSigned ? "\(expectation) from \(min) to \(max)" : "\(expectation) up to \(max)"
  }
}

extension Int: YAMLReadable {}
extension Int32: YAMLReadable {}
extension Int64: YAMLReadable {}
extension UInt: YAMLReadable {}
extension UInt8: YAMLReadable {}
extension UInt16: YAMLReadable {}
extension UInt32: YAMLReadable {}
extension UInt64: YAMLReadable {}
