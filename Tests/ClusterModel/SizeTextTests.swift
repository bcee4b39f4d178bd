import ClusterModel
import Testing

@Suite("Sizes and times for people")
struct SizeTextTests {
  @Test(
    "a number of bytes is shown in the largest unit that it fills, with at most one decimal",
    arguments: [
      (0, "0 B"), (1, "1 B"), (1023, "1023 B"), (1024, "1 KiB"), (1075, "1 KiB"), (1076, "1.1 KiB"), (1536, "1.5 KiB"),
      (1_048_524, "1023.9 KiB"), (1_048_525, "1 MiB"), (1 << 20, "1 MiB"), (50 << 20, "50 MiB"),
      (3 << 29, "1.5 GiB"), (1 << 40, "1 TiB"), (1 << 50, "1 PiB"), (1 << 60, "1 EiB"), (Int.max, "8 EiB"),
      (-1, "-1 B"), (-1536, "-1.5 KiB"), (-1_610_612_736, "-1.5 GiB"), (Int.min, "-8 EiB"),
    ] as [(Int, String)])
  func bytes(_ bytes: Int, _ text: String) {
    #expect(SizeText.bytes(bytes) == text)
  }

  @Test(
    "kibibytes are shown like bytes, and none is too many",
    arguments: [
      (0, "0 B"), (1, "1 KiB"), (512, "512 KiB"), (96 * 1024, "96 MiB"), (1_572_864, "1.5 GiB"), (1 << 30, "1 TiB"),
      (Int.max, "8192 EiB"), (-512 * 1024, "-512 MiB"),
    ] as [(Int, String)])
  func kibibytes(_ kib: Int, _ text: String) {
    #expect(SizeText.kibibytes(kib) == text)
  }

  @Test(
    "a time is shown in its two largest units",
    arguments: [
      (0, "0 s"), (0.04, "0 s"), (0.05, "0.1 s"), (0.4, "0.4 s"), (1, "1 s"), (9.94, "9.9 s"), (9.96, "10 s"),
      (59.4, "59 s"), (59.5, "1 min 0 s"), (185, "3 min 5 s"), (3599.4, "59 min 59 s"), (3599.6, "1 h 0 min"),
      (7800, "2 h 10 min"), (1_800_000_000, "500000 h 0 min"),
    ] as [(Double, String)])
  func seconds(_ seconds: Double, _ text: String) {
    #expect(SizeText.seconds(seconds) == text)
  }

  @Test("a time that is none, or too long to mean anything, is a question mark", arguments: [.nan, .infinity, 1e10])
  func unknown(_ seconds: Double) {
    #expect(SizeText.seconds(seconds) == "?")
  }

  @Test("a time before now is now", arguments: [-0.001, -5, -1e12])
  func negative(_ seconds: Double) {
    #expect(SizeText.seconds(seconds) == "0 s")
  }

  @Test(
    "a duration is told in seconds, its small parts included",
    arguments: [
      (.zero, 0), (.milliseconds(1), 0.001), (.milliseconds(2500), 2.5), (.seconds(-3), -3), (.nanoseconds(1), 1e-9),
    ] as [(Duration, Double)])
  func duration(_ duration: Duration, _ seconds: Double) {
    #expect(abs(duration.inSeconds - seconds) < 1e-12)
  }
}
