import DaemonKit
import Foundation
import TestSupport
import Testing

@Suite("The state directory")
struct StateDirectoryTests {
  @Test("it is made if it is not there, for its owner alone")
  func making() throws {
    let folder = try TemporaryFolder()
    let directory = try StateDirectory(folder.file("a/b"))
    #expect(directory.file("x") == folder.file("a/b/x"))
    let attributes = try FileManager.default.attributesOfItem(atPath: folder.file("a/b"))
    #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o700)
    #expect(throws: Never.self) { try StateDirectory(folder.file("a/b")) }
  }

  @Test("one that cannot be made is named, with the way out")
  func impossible() throws {
    let folder = try TemporaryFolder()
    try folder.write("a file", to: "a")
    let failure = try #require(throws: StateDirectory.Failure.self) { try StateDirectory(folder.file("a/b")) }
    #expect(failure.description.contains(folder.file("a/b")))
    #expect(failure.description.contains("'state-directory'"))
  }
}
