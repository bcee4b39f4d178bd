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

  @Test("an epoch is greater than all before it, over restarts and when the clock goes back")
  func growth() throws {
    let folder = try TemporaryFolder()
    var last: UInt64 = 0
    for least in [1000, 1001, 1001, 500, 0, 2000, 1999, 0, 2_000_000] as [UInt64] {
      // Each time as a program that has just been started.
      let epoch = try StateDirectory(folder.path).nextEpoch("epoch", atLeast: least)
      #expect(epoch > last)
      #expect(epoch >= least)
      last = epoch
    }
    #expect(last == 2_000_000)
    #expect(folder.read("epoch") == "2000000")
  }

  @Test("an epoch is not below the clock, and no further above it than needed")
  func nearTheClock() throws {
    let directory = try StateDirectory(TemporaryFolder().path)
    #expect(try directory.nextEpoch("epoch", atLeast: 1000) == 1000)
    #expect(try directory.nextEpoch("epoch", atLeast: 1000) == 1001)
    #expect(try directory.nextEpoch("epoch", atLeast: 5000) == 5000)
    #expect(try directory.nextEpoch("other", atLeast: 7) == 7)
  }

  @Test(
    "a file of which an editor or a crash has made something else is no obstacle",
    arguments: [("2000\n", 2001), (" 2000 ", 2001), ("", 1000), ("nonsense", 1000), ("-5", 1000), ("\0\0", 1000)]
      as [(String, UInt64)])
  func damage(_ text: String, _ epoch: UInt64) throws {
    let folder = try TemporaryFolder()
    try folder.write(text, to: "epoch")
    #expect(try StateDirectory(folder.path).nextEpoch("epoch", atLeast: 1000) == epoch)
  }

  @Test("after the last number that there is, an error names the file")
  func exhaustion() throws {
    let folder = try TemporaryFolder()
    try folder.write("\(UInt64.max)", to: "epoch")
    let directory = try StateDirectory(folder.path)
    let failure = try #require(throws: StateDirectory.Failure.self) { try directory.nextEpoch("epoch", atLeast: 1) }
    #expect(failure.description.contains(folder.file("epoch")))
  }

  @Test("an epoch that cannot be written is not given")
  func unwritable() throws {
    let folder = try TemporaryFolder()
    let directory = try StateDirectory(folder.path)
    try FileManager.default.createDirectory(atPath: folder.file("epoch"), withIntermediateDirectories: true)
    let failure = try #require(throws: StateDirectory.Failure.self) { try directory.nextEpoch("epoch", atLeast: 1) }
    #expect(failure.description.contains("\(folder.file("epoch")) cannot be written"))
  }
}
