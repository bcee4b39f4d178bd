import Libvirt

/// What a start has made so far.
struct StartUndo {
  var stops: DomainReference?
  var undefines: DomainReference?
  /// The definition as it was.
  var redefines: String?

  /// Takes it back, and adds to the error what became of that.
  func perform(on connection: LibvirtConnection, after error: HypervisorError) async -> HypervisorError {
    var done: [String] = []
    var failed: [String] = []
    if let stops {
      do throws(LibvirtError) {
        try await connection.destroy(stops)
        done.append("stopped again")
      } catch {
        failed.append("stopping it failed: \(error.message)")
      }
    }
    if let undefines {
      do throws(LibvirtError) {
        try await connection.undefine(undefines, includingManagedSaveAndNVRAMAndSnapshots: true)
        done.append("its definition removed")
      } catch {
        failed.append("removing its definition failed: \(error.message)")
      }
    }
    if let redefines {
      do throws(LibvirtError) {
        _ = try await connection.define(xml: redefines)
        done.append("defined as before")
      } catch {
        failed.append("restoring its definition failed: \(error.message)")
      }
    }
    var told = error
    if !done.isEmpty { told.description += " (the machine was " + done.joined(separator: ", ") + ")" }
    if !failed.isEmpty { told.description += " (undoing: " + failed.joined(separator: "; ") + ")" }
    return told
  }
}
