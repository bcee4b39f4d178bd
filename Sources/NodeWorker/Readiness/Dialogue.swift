import CCurl
import Glibc

/// One TCP connection, made by libcurl and only read from. Its methods block, each for as long as it is told.
///
/// libcurl brings name resolution with a limit of time and the choice between a name's addresses (IPv6, IPv4).
@safe
final class Dialogue: Sendable {
  /// What became of an attempt to connect or to read.
  enum Outcome: Equatable {
    case bytes([UInt8])
    /// Nothing yet.
    case nothing
    /// It is over; in words.
    case failed(String)
  }

  /// libcurl allows a handle to be used by one thread after another, not by two at once: its owner awaits each call
  /// before the next.
  private nonisolated(unsafe) let handle: UnsafeMutableRawPointer

  /// - Returns: nil when libcurl has no memory for it.
  init?() {
    guard Self.isLibraryReady, let handle = unsafe curl_easy_init() else { return nil }
    unsafe self.handle = unsafe handle
  }

  deinit {
    unsafe curl_easy_cleanup(handle)
  }

  /// - Parameters:
  ///   - host: a name or an address, checked before.
  ///   - milliseconds: at least 1.
  /// - Returns: nil when it is connected, otherwise the cause.
  func connect(host: String, port: Int, milliseconds: Int) -> String? {
    let authority = host.contains(":") ? "[\(host)]" : host
    // The scheme only has to be one that sends nothing by itself; CONNECT_ONLY leaves the rest to us.
    let url = "telnet://\(authority):\(port)"
    for code in unsafe [
      ccurl_set_string(handle, CURLOPT_URL, url), ccurl_set_long(handle, CURLOPT_CONNECT_ONLY, 1),
      ccurl_set_long(handle, CURLOPT_CONNECTTIMEOUT_MS, milliseconds),
      // No signals in a program with threads; no proxy from the environment between us and the guest.
      ccurl_set_long(handle, CURLOPT_NOSIGNAL, 1), ccurl_set_string(handle, CURLOPT_PROXY, ""),
    ] where code != CURLE_OK {
      return Self.words(code)
    }
    let code = unsafe curl_easy_perform(handle)
    switch code {
    case CURLE_OK: return nil
    case CURLE_OPERATION_TIMEDOUT: return "no answer within \(milliseconds) ms"
    case CURLE_COULDNT_CONNECT: return systemError() ?? Self.words(code)
    default: return Self.words(code)
    }
  }

  /// Reads what has come, waiting for it at most so long.
  func receive(milliseconds: Int) -> Outcome {
    var socket: curl_socket_t = -1
    guard unsafe ccurl_get_socket(handle, CURLINFO_ACTIVESOCKET, &socket) == CURLE_OK, socket >= 0 else {
      return .failed("connection lost")
    }
    var descriptor = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    // Interrupted or timed out alike: nothing has come.
    guard unsafe poll(&descriptor, 1, Int32(clamping: milliseconds)) > 0 else { return .nothing }
    var buffer = [UInt8](repeating: 0, count: 1024)
    var count = 0
    let code = unsafe curl_easy_recv(handle, &buffer, buffer.count, &count)
    switch code {
    case CURLE_OK where count > 0: return .bytes(Array(buffer.prefix(count)))
    case CURLE_OK: return .failed("the connection was closed before the banner")
    case CURLE_AGAIN: return .nothing
    default: return .failed(systemError() ?? Self.words(code))
    }
  }

  private func systemError() -> String? {
    var number = 0
    guard unsafe ccurl_get_long(handle, CURLINFO_OS_ERRNO, &number) == CURLE_OK, number != 0 else { return nil }
    return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
      guard let base = buffer.baseAddress, unsafe strerror_r(Int32(number), base, buffer.count) == 0 else {
        return "error \(number)"
      }
      return unsafe String(cString: base).lowercased()
    }
  }

  private static func words(_ code: CURLcode) -> String {
    guard let words = unsafe curl_easy_strerror(code) else { return "libcurl's error \(code.rawValue)" }
    return unsafe String(cString: words).lowercased()
  }

  /// Once per process, before anything else of libcurl.
  private static let isLibraryReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
}
