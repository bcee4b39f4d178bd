import CFuzzer
import FuzzTargets
import Glibc

/// `migfra-fuzz TARGET [libFuzzer's arguments]`
@main
enum Fuzz {
  /// libFuzzer's callback has no room for it.
  static let target = CommandLine.arguments.dropFirst().first.flatMap(FuzzTarget.init(rawValue:))

  static func main() {
    guard target != nil else {
      print("migfra-fuzz: expected one of \(FuzzTarget.allCases.map(\.rawValue).joined(separator: " "))")
      exit(64)
    }
    var count = CommandLine.argc - 1
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = unsafe CommandLine.unsafeArgv + 1
    let status = unsafe LLVMFuzzerRunDriver(&count, &arguments) { data, size in
      let input = unsafe Array(UnsafeBufferPointer(start: data, count: size))
      do {
        try Fuzz.target?.read(input)
      } catch {
        fatalError("\(error)")
      }
      return 0
    }
    exit(status)
  }
}
