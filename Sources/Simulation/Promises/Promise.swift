/// What must hold in every history, whatever goes wrong.
public enum Promise: String, CaseIterable, Sendable {
  case oneCopy = "never two running copies of a machine"
  case noneLost = "no machine is stopped or lost but by its own stop task or its host's power failure"
  case jobsGoOn = "no job is left suspended"
  case closedConnections = "no machine moves with open connections when they were to be closed"
  case oneInterruption = "a job whose machines move as one is suspended once"
  case answered = "every task gets an answer"
  case oneAnswer = "a task gets one answer, however often it is said"
  case memory = "no host's memory is overbooked by what is moved"
  case drainingIsNoTarget = "a host being emptied is no new order's destination"
  case newestCoordinator = "nothing is moved for a coordinator after a newer one is known"
  case drainedIsEmpty = "a host called drained is empty by its own report"
  case operationsEnd = "no operation is left at the end"
  case noImageLeft = "no saved image is left unless an answer says so"
  case strays = "a machine is called a stray if it is in two places, and only then"
  case ends = "a history comes to its end"
}

/// A promise that a history has broken.
public struct BrokenPromise: Sendable {
  public let promise: Promise
  public let details: String
}
