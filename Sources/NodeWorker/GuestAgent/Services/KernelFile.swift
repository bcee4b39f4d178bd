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

  /// The value of a variable in an environment, NAME=VALUE and a zero byte each; the first counts, as for getenv(3).
  ///
  /// By C's functions: most environments of a machine are read each second, and have not the variable.
  static func value(of name: String, in environment: [UInt8]) -> ArraySlice<UInt8>? {
    let wanted = Array("\(name)=".utf8)
    let start = unsafe environment.withUnsafeBytes { text -> Int? in
      guard let base = text.baseAddress else { return nil }
      var entry = 0
      while entry + wanted.count <= text.count {
        if unsafe memcmp(base + entry, wanted, wanted.count) == 0 { return entry + wanted.count }
        guard let end = unsafe memchr(base + entry, 0, text.count - entry) else { return nil }
        entry = unsafe UnsafeRawPointer(end) - base + 1
      }
      return nil
    }
    return start.map { environment[$0...].prefix { $0 != 0 } }
  }
}
