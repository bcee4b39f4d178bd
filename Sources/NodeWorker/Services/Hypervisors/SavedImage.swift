import ClusterModel
import Foundation
import MigfraProtocol
import NodeWorkerCore

/// A machine in a file of the directory that all hosts share: its name, and the host that has saved it.
///
///     VM@HOST.migfra-save ──loaded somewhere, and about to run──▶ VM@HOST.migfra-restoring ──it runs──▶ (removed)
///     VM@HOST.migfra-paused ──loaded somewhere──▶ (removed): it stood still when it was saved, and goes on standing
///
/// As long as it has not run since, the file is the machine, whatever has become of those who load it. Once it may have
/// run it has perhaps moved on, and changed: who finds it so, and the machine at neither end, does not start it again. Of
/// two hosts that save a machine, one after the other, none takes the other's image for its own.
struct SavedImage: Equatable {
  /// What the end of its name tells.
  enum Kind: String, CaseIterable {
    case saved = ".migfra-save"
    case savedPaused = ".migfra-paused"
    case mayHaveRun = ".migfra-restoring"
  }

  let directory: String
  let vm: VMName
  let host: HostName
  private(set) var kind: Kind

  var path: String { "\(directory)/\(vm)@\(host)\(kind.rawValue)" }
  var mayHaveRun: Bool { kind == .mayHaveRun }

  /// Whether libvirt has written it to its end, which it marks at last: one that a power failure has left is no machine.
  /// What was loaded was complete; whatever is in the file now is for a person to judge.
  var isComplete: Bool {
    guard !mayHaveRun else { return true }
    guard let file = FileHandle(forReadingAtPath: path) else { return false }
    defer { try? file.close() }  // it was only read
    return (try? file.read(upToCount: Self.mark.utf8.count)) == Data(Self.mark.utf8)
  }

  private static let mark = "LibvirtQemudSave"

  /// What `host` has saved of the machine; nil: nothing.
  init?(of vm: VMName, by host: HostName, in directory: String) {
    for kind in Kind.allCases {
      self.init(newOf: vm, by: host, in: directory, kind)
      if FileManager.default.fileExists(atPath: path) { return }
    }
    return nil
  }

  /// One that is to be made.
  init(newOf vm: VMName, by host: HostName, in directory: String, _ kind: Kind) {
    self.directory = directory
    self.vm = vm
    self.host = host
    self.kind = kind
  }

  /// Of the machine, by whichever host.
  static func all(of vm: VMName, in directory: String) throws(HypervisorError) -> [SavedImage] {
    guard FileManager.default.fileExists(atPath: directory) else { return [] }
    let files: [String]
    do { files = try FileManager.default.contentsOfDirectory(atPath: directory) } catch {
      throw HypervisorError(.hypervisor, "\(directory) cannot be read: \(error.localizedDescription)")
    }
    return files.sorted().compactMap { file in
      guard let mark = file.lastIndex(of: "@"), file[..<mark] == vm.rawValue,
        let end = file.range(of: ".migfra-", options: .backwards)?.lowerBound, mark < end,
        let kind = Kind(rawValue: String(file[end...]))
      else { return nil }
      return SavedImage(
        newOf: vm, by: HostName(rawValue: String(file[file.index(after: mark)..<end])), in: directory, kind)
    }
  }

  /// Before the machine runs.
  mutating func claim() throws(HypervisorError) {
    guard kind == .saved else { return }
    var claimed = self
    claimed.kind = .mayHaveRun
    do { try FileManager.default.moveItem(atPath: path, toPath: claimed.path) } catch {
      throw HypervisorError(.hypervisor, "\(path) could not be renamed: \(error.localizedDescription)")
    }
    self = claimed
  }

  func remove() throws(HypervisorError) {
    do { try FileManager.default.removeItem(atPath: path) } catch {
      throw HypervisorError(.hypervisor, "\(path) could not be removed: \(error.localizedDescription)")
    }
  }
}
