import Foundation

/// The programs that were built together with the tests.
public enum Programs {
  public static let folder = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().path

  /// What a program that has ended said.
  public struct Output: Sendable {
    public var status: Int32
    /// Standard output and standard error together.
    public var text: String

    public init(status: Int32, text: String) {
      self.status = status
      self.text = text
    }
  }

  /// Starts a program in the background; `output` takes what it says.
  public static func start(_ name: String, _ arguments: [String], output: String) throws -> ChildProcess {
    try ChildProcess("\(folder)/\(name)", arguments, output: output)
  }

  /// Runs a program to its end.
  public static func run(
    _ name: String, _ arguments: String..., within limit: Duration = .seconds(30)
  ) async throws -> Output {
    let scratch = try TemporaryFolder()
    let child = try start(name, arguments, output: scratch.file("output"))
    let status = try await child.wait(within: limit)
    return Output(status: status, text: scratch.read("output"))
  }
}
