import BlockingPool
import Glibc
import Libvirt

/// A host of libvirt's own test driver, inside this process and with a description of its own, so that no other test
/// sees its VMs.
struct TestHost: Sendable {
  let connection: LibvirtConnection
  let pool: BlockingPool

  static let running = "4b8c2d0e-0000-4000-8000-000000000001"
  static let stopped = "4b8c2d0e-0000-4000-8000-000000000002"

  /// 8 processors, 16 GiB; "one" runs with 2 of them and 1 GiB, "two" is shut off.
  /// - Parameter devices: `<device>` elements of the host.
  static func with<T>(devices: String = "", _ body: (TestHost) async throws -> T) async throws -> T {
    let file = try TemporaryFile(
      """
      <node>
        <cpu><mhz>2000</mhz><model>test-model</model><active>8</active><nodes>1</nodes><sockets>1</sockets>
          <cores>8</cores><threads>1</threads></cpu>
        <memory>16777216</memory>
        \(devices)
        \(description("one", uuid: running, vcpus: 2, memory: 1 << 20))
        \(description("two", uuid: stopped, inside: "<testdriver:runstate>5</testdriver:runstate>"))
      </node>
      """)
    defer { file.remove() }
    let pool = BlockingPool(name: "libvirt", threads: 3)
    let connection = try await LibvirtConnection.open("test://\(file.path)", pool: pool)
    let result: Result<T, any Error>
    do { result = .success(try await body(TestHost(connection: connection, pool: pool))) } catch {
      result = .failure(error)
    }
    await connection.close()
    await pool.shutDown()
    return try result.get()
  }

  /// - Parameter memory: KiB.
  static func description(
    _ name: String, uuid: String? = nil, vcpus: Int = 1, memory: Int = 65536, inside: String = ""
  ) -> String {
    """
    <domain type='test' xmlns:testdriver='http://libvirt.org/schemas/domain/test/1.0'>
      <name>\(name)</name>\(uuid.map { "<uuid>\($0)</uuid>" } ?? "")
      <memory>\(memory)</memory><vcpu>\(vcpus)</vcpu><os><type>hvm</type></os>\(inside)
    </domain>
    """
  }
}

/// A file that is there for the length of a test.
struct TemporaryFile: Sendable {
  struct Failure: Error { var number = errno }

  let path: String

  init(_ content: String) throws {
    var template = Array("/tmp/migfra-libvirt-XXXXXX.xml".utf8CString)
    let file = unsafe mkstemps(&template, 4)
    guard file >= 0 else { throw Failure() }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { close(file) }
    guard unsafe write(file, content, content.utf8.count) == content.utf8.count else { throw Failure() }
  }

  func remove() {
    unsafe unlink(path)
  }
}
