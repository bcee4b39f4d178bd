public import Testing

/// `#expect(actual == expected)` for calls that change something: the macro cannot take those apart.
public func check<Value: Equatable>(
  _ actual: Value, is expected: Value, _ comment: Comment? = nil,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(actual == expected, comment, sourceLocation: sourceLocation)
}

/// `#require(value)` for calls that change something.
public func unwrap<Value>(
  _ value: Value?, _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation
) throws -> Value {
  try #require(value, comment, sourceLocation: sourceLocation)
}
