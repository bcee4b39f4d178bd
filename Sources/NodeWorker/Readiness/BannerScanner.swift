/// Finds an SSH server's banner in what it sends first (RFC 4253, section 4.2).
///
/// Lines of other text may come before the one that begins with "SSH-"; no more than 8 KiB are read.
package struct BannerScanner {
  package enum Verdict: Equatable {
    case incomplete
    /// The line, without its end.
    case banner(String)
    /// Enough was read: no SSH server speaks like this.
    case hopeless
  }

  private static let limit = 8192
  private static let start = Array("SSH-".utf8)

  private var line: [UInt8] = []
  private var read = 0

  package init() {}

  package mutating func feed(_ bytes: some Sequence<UInt8>) -> Verdict {
    for byte in bytes {
      read += 1
      guard read <= Self.limit else { return .hopeless }
      if byte != UInt8(ascii: "\n") {
        line.append(byte)
        continue
      }
      if line.starts(with: Self.start) {
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        return .banner(String(decoding: line, as: UTF8.self))
      }
      line.removeAll(keepingCapacity: true)
    }
    return .incomplete
  }
}
