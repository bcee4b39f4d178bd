/// An enum of words reads itself: `enum Mode: String, CaseIterable, YAMLReadable { case auto, compact, scatter }`.
extension YAMLReadable where Self: RawRepresentable, RawValue == String, Self: CaseIterable {
  public static var expectation: String {
    "one of \(allCases.map(\.rawValue).joined(separator: ", "))"
  }

  public init(yaml: YAMLNode) throws(YAMLError) {
    guard case .scalar(let scalar) = yaml.kind, let value = Self(rawValue: scalar.text) else {
      throw yaml.mismatch(Self.expectation)
    }
    self = value
  }
}
