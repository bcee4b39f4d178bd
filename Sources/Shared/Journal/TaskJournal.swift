import Foundation
package import GRDB
public import MigfraProtocol

/// What must survive this process: tasks that were taken, answers that were given, who they go to.
///
/// A task is written inside the bus's message callback, so before the broker is told that it arrived; an answer before
/// it is published. What is left without an answer, or with one that the broker has not taken, is found at the next
/// start.
///
/// It is written on the caller's thread, which waits a tenth of a millisecond for the disk. To hand that to another thread
/// and back takes as long, and such a write is given up when the caller's task is cancelled: a program that is stopped would
/// do half of what it had decided.
public final class TaskJournal: Sendable {
  /// Drawn when the journal was made: sequence numbers are unique together with it.
  public let name: String
  /// Of this incarnation of the program: greater than any before.
  public let epoch: UInt64
  package let database: DatabaseQueue
  private let log: WriteAheadLog
  private let kept: Int64

  /// One task as it came in.
  public struct Record: Sendable, Equatable {
    public var arrival: TaskArrival
    public var payload: [UInt8]
    /// The encoded answer, if it was given and not delivered yet.
    public var answer: [UInt8]?
  }

  /// Opens or makes `path`.
  ///
  /// - Parameters:
  ///   - leastEpoch: what the epoch is at least: the clock's milliseconds, for the case that an older journal
  ///     was lost.
  ///   - keeping: finished tasks that are remembered, so that a repeat of one is answered and not run again.
  ///   - tables: SQL of what else the program keeps there, `CREATE TABLE IF NOT EXISTS …`.
  public init(path: String, leastEpoch: UInt64, keeping kept: Int64 = 10_000, tables: String = "") throws {
    self.kept = kept
    var configuration = GRDB.Configuration()
    configuration.prepareDatabase { database in
      // Exclusive: a second worker on the same journal is refused instead of answering the same tasks.
      try database.execute(
        sql: "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
    }
    database = try DatabaseQueue(path: path, configuration: configuration)
    try Self.migrator.migrate(database)
    if !tables.isEmpty { try database.write { try $0.execute(sql: tables) } }
    (name, epoch) = try database.write { database in
      let stored = try Row.fetchOne(database, sql: "SELECT name, epoch FROM identity")
      let name: String = stored?["name"] ?? String(UInt64.random(in: 0 ... .max), radix: 36)
      let before: Int64 = stored?["epoch"] ?? 0
      let epoch = max(UInt64(before) + 1, leastEpoch)
      try database.execute(sql: "DELETE FROM identity")
      try database.execute(sql: "INSERT INTO identity (name, epoch) VALUES (?, ?)", arguments: [name, Int64(epoch)])
      return (name, epoch)
    }
    log = try WriteAheadLog(ofDatabase: path)
    // The log itself is on disk; what is added to it from now on is brought there by `flush`.
    try database.inDatabase { try $0.execute(sql: "PRAGMA synchronous = NORMAL") }
  }

  private static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1") { database in
      try database.execute(
        sql: """
          CREATE TABLE identity (name TEXT NOT NULL, epoch INTEGER NOT NULL);
          CREATE TABLE task (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            topic TEXT NOT NULL,        -- where the answer goes
            correlation BLOB,           -- what it carries back
            payload BLOB NOT NULL,      -- the task as it came
            answer BLOB,                -- the answer as it goes
            delivered INTEGER NOT NULL DEFAULT 0
          );
          CREATE INDEX open_task ON task (delivered) WHERE delivered = 0;
          """)
    }
    // It served nothing: tasks are read by sequence, and all of them. Each new task paid for a page of it.
    migrator.registerMigration("2") { database in try database.execute(sql: "DROP INDEX open_task") }
    return migrator
  }

  /// Writes a task down, so that it survives the end of this process; before the broker is told, `flush` must have
  /// returned. Called on the bus's thread.
  ///
  /// In between the task can be begun. If then the power fails, the machine that it is about is in the state where it was
  /// found, or where the task has brought it, and the broker, which was not told, brings the task again.
  public func receive(_ payload: [UInt8], for route: ReplyRoute) throws -> TaskArrival {
    let sequence = try database.write { database in
      try database.cachedStatement(sql: "INSERT INTO task (topic, correlation, payload) VALUES (?, ?, ?)").execute(
        arguments: [route.topic, route.correlationData.map { Data($0) }, Data(payload)])
      return database.lastInsertedRowID
    }
    return TaskArrival(sequence: sequence, route: route)
  }

  /// On return everything that was written survives a power failure too.
  public func flush() throws {
    try log.flush()
  }

  /// Writes; on return it is on disk.
  package func write(_ updates: (Database) throws -> Void) throws {
    try database.write(updates)
    try flush()
  }

  /// Writes the answer down, before it is published.
  public func answer(_ arrival: TaskArrival, with answer: [UInt8]) throws {
    try write { database in
      try database.cachedStatement(sql: "UPDATE task SET answer = ? WHERE sequence = ?").execute(
        arguments: [Data(answer), arrival.sequence])
    }
  }

  /// The broker has taken the answer, or there is none to give. The oldest finished tasks are let go.
  ///
  /// Nobody waits for it, the disk neither: it survives the end of the process, and the next task's way to the disk takes
  /// it along. After a power failure before that the answer is delivered once more.
  /// - Parameter failed: hears why it could not be written.
  public func settle(_ arrival: TaskArrival, failed: @escaping @Sendable (any Error) -> Void) {
    database.asyncWriteWithoutTransaction { [kept] database in
      do {
        try database.inTransaction {
          try database.cachedStatement(sql: "UPDATE task SET delivered = 1 WHERE sequence = ?").execute(
            arguments: [arrival.sequence])
          try database.cachedStatement(sql: "DELETE FROM task WHERE delivered = 1 AND sequence <= ?").execute(
            arguments: [arrival.sequence - kept])
          return .commit
        }
      } catch {
        failed(error)
      }
    }
  }

  /// What was begun and not finished, and what was finished lately, in order of arrival.
  public struct Recollection: Sendable {
    public var open: [Record]
    public var finished: [Record]

    /// The answers that were given, for a ledger. What cannot be read back only means that a repeat would run again.
    public var answers: [(arrival: TaskArrival, task: TaskMessage, result: TaskResult)] {
      (finished + open).compactMap { record in
        guard let bytes = record.answer, let task = try? TaskMessage.decode(record.payload),
          let result = try? TaskResult.decode(bytes)
        else { return nil }
        return (record.arrival, task, result)
      }
    }
  }

  /// What earlier incarnations have left.
  public func recall() throws -> Recollection {
    try database.read { database in
      let rows = try Row.fetchAll(database, sql: "SELECT * FROM task ORDER BY sequence")
      let records = rows.map { row in
        let route = ReplyRoute(topic: row["topic"], correlationData: (row["correlation"] as Data?).map(Array.init))
        return (
          isDelivered: (row["delivered"] as Int) != 0,
          record: Record(
            arrival: TaskArrival(sequence: row["sequence"], route: route, isRecalled: true),
            payload: Array(row["payload"] as Data),
            answer: (row["answer"] as Data?).map(Array.init))
        )
      }
      return Recollection(
        open: records.filter { !$0.isDelivered }.map(\.record), finished: records.filter(\.isDelivered).map(\.record))
    }
  }

  /// Lets go of the file. What is received or answered afterwards fails.
  public func close() throws {
    try database.close()
  }
}
