import CMosquitto
import Glibc

/// The library's and the broker's numbers in words.
enum Words {
  /// For a status of the library; `systemError` is errno as it was when the status came up.
  static func library(_ status: Int32, systemError: Int32 = 0) -> String {
    if status == MOSQ_ERR_ERRNO.rawValue, systemError != 0 {
      return system(systemError)
    }
    // The library has no words of its own for it.
    if status == MOSQ_ERR_KEEPALIVE.rawValue { return "no answer to the keep-alive probe" }
    return unsafe String(cString: mosquitto_strerror(status)).asClause
  }

  /// For a reason code of MQTT v5.
  static func reason(_ code: Int32) -> String {
    unsafe "\(String(cString: mosquitto_reason_string(code)).asClause) (reason \(code))"
  }

  static func system(_ error: Int32) -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    // The POSIX strerror_r is what Swift sees; plain strerror is not safe with threads.
    guard unsafe strerror_r(error, &buffer, buffer.count) == 0 else { return "errno \(error)" }
    return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self).asClause
  }
}

extension String {
  /// Fit for the middle of a sentence: "The connection was lost." becomes "the connection was lost".
  fileprivate var asClause: String {
    var text = self
    while text.last == "." || text.last == " " { text.removeLast() }
    // Leave abbreviations alone ("TLS", "DNS").
    if text.dropFirst().first?.isUppercase == true { return text }
    return text.prefix(1).lowercased() + text.dropFirst()
  }
}
