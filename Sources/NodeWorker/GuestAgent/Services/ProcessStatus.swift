/// What /proc/<pid>/status says of a process's signals.
struct ProcessStatus {
  /// A set of signals, as the kernel writes it: bit 0 is signal 1.
  struct Signals: Equatable {
    var mask: UInt64 = 0

    func contains(_ signal: Int32) -> Bool { (1...64).contains(signal) && mask >> UInt64(signal - 1) & 1 == 1 }
  }

  private(set) var caught = Signals()
  /// Sent to the process as a whole, and taken by none of its threads yet.
  private(set) var pending = Signals()
  /// Not if it has ended and only waits for its parent.
  private(set) var isAlive = true

  init(_ text: [UInt8]) {
    for line in text.split(separator: UInt8(ascii: "\n")) {
      guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
      let value = String(decoding: line[(colon + 1)...].drop { $0 == 0x20 || $0 == 0x09 }, as: UTF8.self)
      switch String(decoding: line[..<colon], as: UTF8.self) {
      case "State": isAlive = !value.hasPrefix("Z") && !value.hasPrefix("X")
      case "SigCgt": caught.mask = UInt64(value, radix: 16) ?? 0
      case "ShdPnd": pending.mask = UInt64(value, radix: 16) ?? 0
      default: break
      }
    }
  }
}
