import ClusterModel
import Foundation
import MigfraProtocol
import NodeWorkerCore

/// A machine in a file of the directory that all hosts share: its name, and the host that has saved it.
///
///     VM@HOST.migfra-save ──restore begins, anywhere──▶ VM@HOST.migfra-restoring ──it runs──▶ (removed)
///              ▲                                                   │
///              └───────── known not to run where it was read ──────┘
///
/// Once somebody has begun to read it the machine may have run since, moved on, and changed: who finds it so, and the
/// machine at neither end, does not start it again. Of two hosts that save a machine, one after the other, none takes the
/// other's image for its own.
struct SavedImage: Equatable {
  let directory: String
  let vm: VMName
  let host: HostName
  private(set) var isBeingRestored = false

  private static let saved = ".migfra-save"
  private static let restoring = ".migfra-restoring"

  var path: String { "\(directory)/\(vm)@\(host)\(isBeingRestored ? Self.restoring : Self.saved)" }

  /// What `host` has saved of the machine; nil: nothing.
  init?(of vm: VMName, by host: HostName, in directory: String) {
    self.init(newOf: vm, by: host, in: directory)
    if FileManager.default.fileExists(atPath: path) { return }
    isBeingRestored = true
    guard FileManager.default.fileExists(atPath: path) else { return nil }
  }

  /// One that is to be made.
  init(newOf vm: VMName, by host: HostName, in directory: String) {
    self.directory = directory
    self.vm = vm
    self.host = host
  }

  /// Of the machine, by whichever host.
  static func all(of vm: VMName, in directory: String) throws(HypervisorError) -> [SavedImage] {
    guard FileManager.default.fileExists(atPath: directory) else { return [] }
    let files: [String]
    do { files = try FileManager.default.contentsOfDirectory(atPath: directory) } catch {
      throw HypervisorError(.hypervisor, "\(directory) cannot be read: \(error.localizedDescription)")
    }
    return files.sorted().compactMap { file in
      guard file.hasSuffix(saved) || file.hasSuffix(restoring), let mark = file.lastIndex(of: "@"),
        file[..<mark] == vm.rawValue, let end = file.range(of: ".migfra-", options: .backwards)?.lowerBound, mark < end
      else { return nil }
      let host = HostName(rawValue: String(file[file.index(after: mark)..<end]))
      var image = SavedImage(newOf: vm, by: host, in: directory)
      image.isBeingRestored = file.hasSuffix(restoring)
      return image
    }
  }

  /// Before it is read.
  mutating func claim() throws(HypervisorError) { try rename(isBeingRestored: true) }

  /// The machine is known to run nowhere, so what is in the file is what it was.
  mutating func release() throws(HypervisorError) { try rename(isBeingRestored: false) }

  private mutating func rename(isBeingRestored: Bool) throws(HypervisorError) {
    guard self.isBeingRestored != isBeingRestored else { return }
    var renamed = self
    renamed.isBeingRestored = isBeingRestored
    do { try FileManager.default.moveItem(atPath: path, toPath: renamed.path) } catch {
      throw HypervisorError(.hypervisor, "\(path) could not be renamed: \(error.localizedDescription)")
    }
    self = renamed
  }

  func remove() throws(HypervisorError) {
    do { try FileManager.default.removeItem(atPath: path) } catch {
      throw HypervisorError(.hypervisor, "\(path) could not be removed: \(error.localizedDescription)")
    }
  }
}
