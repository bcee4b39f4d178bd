import Glibc

/// Reads the kernel's files under /proc: they have no size, and end at any moment.
enum KernelFile {
  /// The file's bytes, at most `limit`; nil: it is not there, or not for us.
  static func read(_ path: String, limit: Int = 1 << 16) -> [UInt8]? {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: min(limit, 1 << 14))
    var count = 0
    while true {
      let room = bytes.count - count
      let step = unsafe bytes.withUnsafeMutableBytes { buffer in
        unsafe Glibc.read(file, buffer.baseAddress.map { unsafe $0 + count }, room)
      }
      if step < 0, errno == EINTR { continue }
      guard step >= 0 else { return nil }
      count += step
      if step == 0 || count == limit { return Array(bytes.prefix(count)) }
      if count == bytes.count {
        bytes.append(contentsOf: repeatElement(0, count: min(count, limit - count)))
      }
    }
  }
}
