import Foundation
import FuzzTargets
import Testing

/// What `make fuzz` has found, and examples: Tests/Fuzz/Inputs/TARGET/NAME.
@Suite("Inputs that were found by fuzzing")
struct KeptInputTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Inputs")

  @Test("each is refused with words, or read, written and read as the same", arguments: FuzzTarget.allCases)
  func kept(_ target: FuzzTarget) throws {
    let folder = Self.folder.appending(path: target.rawValue)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(!names.isEmpty)
    for name in names {
      let input = try Data(contentsOf: folder.appending(path: name))
      #expect(throws: Never.self, "\(name)") { try target.read(Array(input)) }
    }
  }
}
