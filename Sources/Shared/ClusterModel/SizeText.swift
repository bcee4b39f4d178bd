/// Sizes and times as people read them.
public enum SizeText {
  /// "512 MiB", "1.5 GiB"; at most one decimal.
  public static func kibibytes(_ kib: Int) -> String {
    bytes(Double(kib) * 1024)
  }

  /// "12 KiB", "1.5 GiB"; at most one decimal.
  public static func bytes(_ bytes: Int) -> String {
    self.bytes(Double(bytes))
  }

  private static func bytes(_ bytes: Double) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    var value = bytes.magnitude
    var unit = 0
    while value >= 1023.95, unit < units.count - 1 {
      value /= 1024
      unit += 1
    }
    return "\(bytes < 0 ? "-" : "")\(oneDecimal(value)) \(units[unit])"
  }

  /// "0.4 s", "12 s", "3 min 5 s", "2 h 10 min".
  public static func seconds(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e10 else { return "?" }
    if seconds < 9.95 { return "\(oneDecimal(max(0, seconds))) s" }
    let whole = Int(seconds.rounded())
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
    return "\(whole / 3600) h \(whole % 3600 / 60) min"
  }

  /// Of a number that is not negative.
  private static func oneDecimal(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
  }
}
