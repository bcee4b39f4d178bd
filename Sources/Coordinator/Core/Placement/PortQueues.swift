/// Waiting jobs of each port in order of priority. A job waits at two ports and leaves both at once.
struct PortQueues {
  private var head: [Int]
  private var tail: [Int]
  private var nextOut: [Int]
  private var previousOut: [Int]
  private var nextIn: [Int]
  private var previousIn: [Int]

  init(jobCount: Int, portFirst: [Int]) {
    head = [Int](repeating: -1, count: portFirst.count - 1)
    tail = head
    nextOut = [Int](repeating: -1, count: jobCount)
    previousOut = nextOut
    nextIn = nextOut
    previousIn = nextOut
  }

  @inline(__always)
  func first(_ port: Int) -> Int { head[port] }

  @inline(__always)
  func next(_ job: Int, isOut: Bool) -> Int { isOut ? nextOut[job] : nextIn[job] }

  mutating func append(_ job: Int, _ out: Int, _ into: Int) {
    previousOut[job] = tail[out]
    if tail[out] >= 0 { nextOut[tail[out]] = job } else { head[out] = job }
    tail[out] = job
    previousIn[job] = tail[into]
    if tail[into] >= 0 { nextIn[tail[into]] = job } else { head[into] = job }
    tail[into] = job
  }

  mutating func remove(_ job: Int, _ out: Int, _ into: Int) {
    if previousOut[job] >= 0 { nextOut[previousOut[job]] = nextOut[job] } else { head[out] = nextOut[job] }
    if nextOut[job] >= 0 { previousOut[nextOut[job]] = previousOut[job] } else { tail[out] = previousOut[job] }
    if previousIn[job] >= 0 { nextIn[previousIn[job]] = nextIn[job] } else { head[into] = nextIn[job] }
    if nextIn[job] >= 0 { previousIn[nextIn[job]] = previousIn[job] } else { tail[into] = previousIn[job] }
  }
}
