import ClusterModel
import Libvirt
import XML

/// The job that a machine takes part in, as an element of ours in its description: it is in the definition and moves along
/// with the machine. Descriptions that bring it by themselves are labelled, too.
///
///     <metadata><migfra:job xmlns:migfra="urn:migfra:job">NAME</migfra:job></metadata>
enum JobLabel {
  static let namespace = "urn:migfra:job"

  static func element(_ job: JobName) -> XMLTree {
    var element = XMLTree("migfra:job", text: job.rawValue)
    element["xmlns:migfra"] = namespace
    return element
  }

  /// What libvirt gives of it; nil: it says nothing that can be used.
  static func job(_ xml: String?) -> JobName? {
    // Whoever wrote something else under our namespace has to see to it himself.
    guard let xml, let element = try? XMLTree(parsing: xml) else { return nil }
    guard element.name == "job" || element.name.hasSuffix(":job") else { return nil }
    let text = element.text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    let job = JobName(rawValue: text)
    return job.isValid ? job : nil
  }
}

/// The labels of a host's machines, as far as nothing has happened to them since they were read: a label costs a call.
struct JobLabels {
  private var known: [String: JobName?] = [:]

  /// Something has happened to the machine.
  mutating func forget(_ uuid: String) { known[uuid] = nil }

  /// By UUID.
  mutating func read(
    of records: [DomainRecord], on connection: LibvirtConnection
  ) async throws(LibvirtError) -> [String: JobName] {
    let present = Set(records.map(\.uuid))
    known = known.filter { present.contains($0.key) }
    for uuid in present where known[uuid] == nil {
      do throws(LibvirtError) {
        let text = try await connection.metadata(of: .uuid(uuid), namespace: JobLabel.namespace)
        known.updateValue(JobLabel.job(text), forKey: uuid)
      } catch {
        // It has gone since, or its driver keeps no notes; the next look asks again.
        if error.isConnectionLost { throw error }
      }
    }
    return known.compactMapValues(\.self)
  }
}
