import ClusterModel
import Foundation

/// How far something long is, in one line on standard error that is written anew; nothing where nobody watches.
struct ProgressLine {
  private let total: UInt64
  private let isShown = isatty(STDERR_FILENO) == 1
  private let began = ContinuousClock.now
  private var shownAt = ContinuousClock.now

  init(of total: UInt64) {
    self.total = total
  }

  /// Twice in a second at most.
  mutating func show(_ done: UInt64, _ what: String) {
    let now = ContinuousClock.now
    guard isShown, done > 0, now - shownAt >= .milliseconds(500) else { return }
    shownAt = now
    let left = (now - began) / Double(done) * Double(total - done)
    write("\(done) of \(total) \(what), about \(SizeText.seconds(Double(left.components.seconds))) left")
  }

  /// Makes room for what is printed.
  func clear() {
    if isShown { write("") }
  }

  private func write(_ text: String) {
    FileHandle.standardError.write(Data("\r\u{1B}[K\(text)".utf8))
  }
}
