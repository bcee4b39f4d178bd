import Foundation
import Glibc
public import GuestAgentCore

/// The processes of this machine that can be suspended, and the signals for them.
///
/// One can be if its own environment has PSP_SIGSUSPEND=N **and** it catches the signal N: shells and launchers carry
/// the variable too, and would be killed. That it is caught is not enough to know: a shell with a trap, or one that a
/// person uses, catches every signal that ends it. So the names of such programs are known, too.
public struct ProcessTable: Sendable {
  /// The processes cannot be listed at all.
  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  /// What processes of ParaStation MPI take the number of their signal from.
  static let variable = "PSP_SIGSUSPEND"

  private let root: String
  private let signal: Int32?
  private let ignored: Set<String>

  /// - Parameters:
  ///   - root: where the kernel shows its processes.
  ///   - signal: in place of the one that a process's environment names.
  ///   - ignored: names of program files whose processes are left alone.
  public init(root: String = "/proc", signal: Int32? = nil, ignoring ignored: [String] = []) {
    self.root = root
    self.signal = signal
    self.ignored = Set(ignored)
  }

  /// Differs from one boot to the next; empty: the kernel does not say.
  public var boot: String {
    let bytes = KernelFile.read("\(root)/sys/kernel/random/boot_id") ?? []
    return String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Looks at all processes. Those that this user may not read are none of ours.
  public func observe() throws(Failure) -> [ObservedProcess] {
    do {
      let own = getpid()
      return try FileManager.default.contentsOfDirectory(atPath: root).compactMap(Int32.init)
        .filter { $0 > 0 && $0 != own }.compactMap(observe)
    } catch {
      throw Failure(description: "\(root) cannot be read: \(error.localizedDescription)")
    }
  }

  /// nil: it cannot be suspended, or is not there.
  func observe(_ pid: Int32) -> ObservedProcess? {
    // The environment first, since most processes are done with it.
    guard let named = environmentSignal(pid), !ignored.contains(program(pid)), let startTime = startTime(pid),
      let status = KernelFile.read("\(root)/\(pid)/status").map(ProcessStatus.init), status.isAlive
    else { return nil }
    let signal = signal ?? named
    // The number may have been given to another process between two of these files.
    guard status.caught.contains(signal), self.startTime(pid) == startTime else { return nil }
    return ObservedProcess(
      ProcessIdentity(pid: pid, startTime: startTime), signal: signal,
      isSignalPending: status.pending.contains(signal))
  }

  /// Sends one signal to a process that was looked at before.
  ///
  /// It is looked at again: a number that was given away meanwhile, or a program that catches nothing any more, must
  /// not get it. Between this look and `kill` is less time than the kernel needs to come back to a number. (`pidfd_open`
  /// would close the gap, but Swift's Glibc module does not have it.)
  func send(_ toggle: Toggle) -> Signalled {
    let pid = toggle.process.pid
    guard let process = observe(pid), process.identity == toggle.process, process.signal == toggle.signal else {
      return Signalled(toggle.process, .gone)
    }
    guard !process.isSignalPending else {
      return Signalled(toggle.process, .refused("process \(pid) has not taken an earlier signal \(toggle.signal) yet"))
    }
    guard kill(pid, toggle.signal) == 0 else {
      let failure = errno
      guard failure != ESRCH else { return Signalled(toggle.process, .gone) }
      let cause = unsafe String(cString: strerror(failure))
      return Signalled(
        toggle.process,
        .refused(
          "kill(\(pid), \(toggle.signal)): \(cause)"
            + (failure == EPERM ? "; run the agent as the job's user or as root" : "")))
    }
    return Signalled(toggle.process, .sent)
  }

  /// The number in the environment that the process was started with; nil: none that could be meant.
  private func environmentSignal(_ pid: Int32) -> Int32? {
    guard let environment = KernelFile.read("\(root)/\(pid)/environ", limit: 1 << 22) else { return nil }
    guard let value = KernelFile.value(of: Self.variable, in: environment) else { return nil }
    guard (1...2).contains(value.count), value.allSatisfy({ (0x30...0x39).contains($0) }),
      let number = Int32(String(decoding: value, as: UTF8.self)), (1...64).contains(number)
    else { return nil }
    return number
  }

  /// The name of the file that it runs; empty: unknown.
  private func program(_ pid: Int32) -> String {
    guard let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(root)/\(pid)/exe") else { return "" }
    let name = path.split(separator: "/").last.map(String.init) ?? ""
    // What the kernel adds when an upgrade has replaced the file.
    let suffix = " (deleted)"
    return name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : name
  }

  /// Field 22 of /proc/<pid>/stat; the second, a program's name, may hold blanks and parentheses.
  private func startTime(_ pid: Int32) -> UInt64? {
    guard let stat = KernelFile.read("\(root)/\(pid)/stat"), let end = stat.lastIndex(of: UInt8(ascii: ")")) else {
      return nil
    }
    let fields = stat[(end + 1)...].split(separator: UInt8(ascii: " "))
    return fields.count > 19 ? UInt64(String(decoding: fields[19], as: UTF8.self)) : nil
  }
}
