/// Reads JSON as a stream, because a case of 200,000 machines must not become a tree first.
struct JSONScanner {
  private let bytes: [UInt8]
  private(set) var position = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// Calls `body` with each key of the object that begins here; it must read or skip the value.
  mutating func object(_ body: (inout JSONScanner, String) throws(CaseError) -> Void) throws(CaseError) {
    try expect(0x7B)
    if take(0x7D) { return }
    repeat {
      let key = try string()
      try expect(0x3A)
      try body(&self, key)
    } while take(0x2C)
    try expect(0x7D)
  }

  /// Calls `body` at each element of the array that begins here; it must read or skip the element.
  mutating func array(_ body: (inout JSONScanner) throws(CaseError) -> Void) throws(CaseError) {
    try expect(0x5B)
    if take(0x5D) { return }
    repeat { try body(&self) } while take(0x2C)
    try expect(0x5D)
  }

  mutating func strings() throws(CaseError) -> [String] {
    var all: [String] = []
    try array { (scanner) throws(CaseError) in all.append(try scanner.string()) }
    return all
  }

  mutating func string() throws(CaseError) -> String {
    try expect(0x22)
    let start = position
    while position < bytes.count, bytes[position] != 0x22, bytes[position] != 0x5C { position += 1 }
    guard position < bytes.count else { throw failure("a string does not end") }
    if bytes[position] == 0x22 {
      position += 1
      return String(decoding: bytes[start..<position - 1], as: UTF8.self)
    }
    var text = Array(bytes[start..<position])
    while position < bytes.count, bytes[position] != 0x22 {
      if bytes[position] == 0x5C {
        position += 1
        try unescape(into: &text)
      } else {
        text.append(bytes[position])
        position += 1
      }
    }
    try expect(0x22)
    return String(decoding: text, as: UTF8.self)
  }

  private mutating func unescape(into text: inout [UInt8]) throws(CaseError) {
    guard position < bytes.count else { throw failure("a string does not end") }
    let escape = bytes[position]
    position += 1
    switch escape {
    case 0x22, 0x5C, 0x2F: text.append(escape)
    case 0x62: text.append(0x08)
    case 0x66: text.append(0x0C)
    case 0x6E: text.append(0x0A)
    case 0x72: text.append(0x0D)
    case 0x74: text.append(0x09)
    case 0x75:
      var unit = try hexUnit()
      if unit & 0xFC00 == 0xD800, position + 1 < bytes.count, bytes[position] == 0x5C, bytes[position + 1] == 0x75 {
        position += 2
        unit = 0x10000 + (unit & 0x3FF) << 10 + (try hexUnit()) & 0x3FF
      }
      guard let scalar = Unicode.Scalar(unit) else { throw failure("not a character") }
      text.append(contentsOf: Array(String(Character(scalar)).utf8))
    default: throw failure("unknown escape in a string")
    }
  }

  private mutating func hexUnit() throws(CaseError) -> UInt32 {
    guard position + 4 <= bytes.count,
      let unit = UInt32(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16)
    else { throw failure("expected four hexadecimal digits") }
    position += 4
    return unit
  }

  /// A whole number without a fraction.
  mutating func integer() throws(CaseError) -> Int {
    skipSpace()
    let isNegative = position < bytes.count && bytes[position] == 0x2D
    if isNegative { position += 1 }
    let start = position
    var value = 0
    while position < bytes.count, bytes[position] &- 0x30 < 10 {
      let (product, overflowed) = value.multipliedReportingOverflow(by: 10)
      let (sum, isTooLarge) = product.addingReportingOverflow(Int(bytes[position] &- 0x30))
      guard !overflowed, !isTooLarge else { throw failure("number too large") }
      value = sum
      position += 1
    }
    guard position > start else { throw failure("expected a whole number") }
    if position < bytes.count, [0x2E, 0x65, 0x45].contains(bytes[position]) {
      throw failure("expected a whole number")
    }
    return isNegative ? -value : value
  }

  /// A whole number from `least` on.
  mutating func integer(atLeast least: Int) throws(CaseError) -> Int {
    let value = try integer()
    // Larger than any cluster, small enough that sums cannot overflow.
    guard value >= least, value <= 1 << 50 else { throw failure("expected a number from \(least) to 2^50") }
    return value
  }

  /// A number from 1 to 1000, with or without a fraction.
  mutating func ratio() throws(CaseError) -> Double {
    skipSpace()
    let start = position
    while position < bytes.count, bytes[position] &- 0x30 < 10 || bytes[position] == 0x2E { position += 1 }
    let parts = bytes[start..<position].split(separator: 0x2E, omittingEmptySubsequences: false)
    guard let whole = parts.first, (1...4).contains(whole.count), parts.count <= 2,
      let value = Double(String(decoding: bytes[start..<position], as: UTF8.self)), (1...1000).contains(value)
    else { throw failure("expected a number from 1 to 1000") }
    return value
  }

  mutating func bool() throws(CaseError) -> Bool {
    if takeWord("true") { return true }
    if takeWord("false") { return false }
    throw failure("expected true or false")
  }

  /// Reads over one value of any kind.
  mutating func skipValue(depth: Int = 0) throws(CaseError) {
    guard depth < 64 else { throw failure("nested too deeply") }
    skipSpace()
    guard position < bytes.count else { throw failure("unexpected end") }
    switch bytes[position] {
    case 0x7B: try object { (scanner, _) throws(CaseError) in try scanner.skipValue(depth: depth + 1) }
    case 0x5B: try array { (scanner) throws(CaseError) in try scanner.skipValue(depth: depth + 1) }
    case 0x22: _ = try string()
    default:
      let start = position
      while position < bytes.count, ![0x2C, 0x5D, 0x7D, 0x20, 0x0A, 0x0D, 0x09].contains(bytes[position]) {
        position += 1
      }
      guard position > start else { throw failure("expected a value") }
    }
  }

  mutating func expectEnd() throws(CaseError) {
    skipSpace()
    guard position == bytes.count else { throw failure("text after the end") }
  }

  func failure(_ message: String) -> CaseError {
    CaseError("byte \(position): \(message)")
  }

  private mutating func skipSpace() {
    while position < bytes.count, bytes[position] == 0x20 || bytes[position] &- 9 < 5 { position += 1 }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    skipSpace()
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }

  private mutating func takeWord(_ word: StaticString) -> Bool {
    skipSpace()
    let letters = Array(word.description.utf8)
    guard bytes[position...].starts(with: letters) else { return false }
    position += letters.count
    return true
  }

  private mutating func expect(_ byte: UInt8) throws(CaseError) {
    guard take(byte) else { throw failure("expected '\(Character(Unicode.Scalar(byte)))'") }
  }
}
