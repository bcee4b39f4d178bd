import ClusterModel
import Foundation
import YAML

/// Finds and reads a program's configuration file.
public enum ConfigurationFile {
  /// Where a program looks when it is told nothing.
  public static let usualPlaces = ["migfra.conf", "/etc/migfra/migfra.conf"]

  /// Why there is no configuration, with the file, the line, the key, and what is expected.
  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  /// This machine's name, as the system has it: never asked of a name server.
  static var hostname: String {
    let name = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer -> String? in
      guard let start = buffer.baseAddress, unsafe gethostname(start, buffer.count - 1) == 0 else { return nil }
      return unsafe String(cString: start)
    }
    return name ?? "localhost"
  }

  /// Reads `path`; nil: the first of the usual places that exists, or the defaults.
  public static func load(_ path: String?) throws(Failure) -> (Configuration, source: String) {
    let hostname = HostName(rawValue: Self.hostname)
    guard let file = path ?? usualPlaces.first(where: FileManager.default.fileExists(atPath:)) else {
      return (Configuration(host: hostname), source: "defaults")
    }
    let bytes: [UInt8]
    do {
      // By a handle, which reads pipes and devices too.
      bytes = Array(try FileHandle(forReadingFrom: URL(fileURLWithPath: file)).readToEnd() ?? Data())
    } catch {
      throw Failure(description: "configuration \(file) cannot be read: \(error.localizedDescription)")
    }
    do {
      return (try Configuration.parse(bytes, hostname: hostname), source: file)
    } catch {
      throw Failure(description: "configuration \(file), \(error)")
    }
  }
}
