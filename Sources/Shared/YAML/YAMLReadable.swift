/// A type that can be read from a node.
///
/// * `Bool`: plain `true`, `yes`, `on`, `false`, `no`, `off` in lower case, Capitalised or UPPER case.
/// * Integers: plain, decimal or `0x` hexadecimal, with or without sign, in the type's range.
/// * `Double`: plain, decimal, finite.
/// * `String`: any scalar but null; `0017` and `true` keep their text. No NUL characters.
/// * Arrays of these: sequences in either form.
public protocol YAMLReadable {
  init(yaml: YAMLNode) throws(YAMLError)

  /// What an error message says is expected, as in `an unsigned integer`.
  static var expectation: String { get }
}

extension String: YAMLReadable {
  public static var expectation: String { "a string" }

  public init(yaml: YAMLNode) throws(YAMLError) {
    guard case .scalar(let scalar) = yaml.kind, !scalar.isNull else { throw yaml.mismatch(Self.expectation) }
    // C would cut a name here: what was checked would not be what is used.
    guard !scalar.text.containsNUL else { throw yaml.mismatch("a string without NUL characters") }
    self = scalar.text
  }
}

extension String {
  // By a span: several times as fast as the general `utf8.contains`.
  fileprivate var containsNUL: Bool {
    let bytes = utf8.span
    for index in bytes.indices where bytes[index] == 0 { return true }
    return false
  }
}

extension Bool: YAMLReadable {
  public static var expectation: String { "true or false" }

  public init(yaml: YAMLNode) throws(YAMLError) {
    guard case .scalar(let scalar) = yaml.kind, scalar.isPlain, let value = scalar.text.booleanWhenPlain else {
      throw yaml.mismatch(Self.expectation)
    }
    self = value
  }
}

extension Double: YAMLReadable {
  public static var expectation: String { "a number" }

  public init(yaml: YAMLNode) throws(YAMLError) {
    guard case .scalar(let scalar) = yaml.kind, scalar.isPlain, let value = realNumber(scalar.text) else {
      throw yaml.mismatch(Self.expectation)
    }
    self = value
  }
}

extension Array: YAMLReadable where Element: YAMLReadable {
  public static var expectation: String { "a list, each item \(Element.expectation)" }

  @inlinable
  public init(yaml: YAMLNode) throws(YAMLError) {
    guard case .sequence(let items, _) = yaml.kind else { throw yaml.mismatch(Self.expectation) }
    self = []
    reserveCapacity(items.count)
    for item in items {
      do throws(YAMLError) {
        append(try Element(yaml: item))
      } catch {
        throw error.inside("[\(count)]")
      }
    }
  }
}
