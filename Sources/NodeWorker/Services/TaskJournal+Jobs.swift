public import ClusterModel
import Foundation
import GRDB
public import Journal
public import NodeWorkerCore

/// Jobs that must be told to go on, whatever becomes of this process.
extension TaskJournal {
  /// Opens or makes a worker's journal; `leastEpoch` as in `init`.
  public static func ofWorker(_ path: String, leastEpoch: UInt64) throws -> TaskJournal {
    try TaskJournal(
      path: path, leastEpoch: leastEpoch,
      tables: """
        CREATE TABLE IF NOT EXISTS job (  -- jobs whose connections are closed, or being closed, for a migration
          vm TEXT PRIMARY KEY,
          processes TEXT,                 -- their names, a JSON list; NULL: all were asked at once
          count INTEGER NOT NULL,         -- how many
          closed INTEGER NOT NULL         -- all have answered
        );
        CREATE TABLE IF NOT EXISTS hold (  -- those of them that stay closed from task to task
          vm TEXT PRIMARY KEY,
          lease INTEGER NOT NULL          -- seconds
        );
        CREATE TABLE IF NOT EXISTS coordinator (epoch INTEGER NOT NULL);  -- the newest that is known
        """)
  }

  /// Writes down that a job's processes are asked to close their connections, or have done so.
  public func remember(_ job: SuspendedJob) throws {
    let (names, count): (String?, Int) =
      switch job.audience {
      case .processes(let names):
        (String(decoding: try JSONEncoder().encode(names.sorted()), as: UTF8.self), names.count)
      case .everyProcess(let count): (nil, count)
      }
    try write { database in
      try database.execute(
        sql: "INSERT OR REPLACE INTO job (vm, processes, count, closed) VALUES (?, ?, ?, ?)",
        arguments: [job.vm.rawValue, names, count, job.isClosed])
      try database.execute(sql: "DELETE FROM hold WHERE vm = ?", arguments: [job.vm.rawValue])
      if let lease = job.lease {
        try database.execute(
          sql: "INSERT INTO hold (vm, lease) VALUES (?, ?)", arguments: [job.vm.rawValue, lease])
      }
    }
  }

  /// The job's processes have been told to go on.
  public func forget(jobOf vm: VMName) throws {
    try write { database in
      try database.execute(sql: "DELETE FROM job WHERE vm = ?", arguments: [vm.rawValue])
      try database.execute(sql: "DELETE FROM hold WHERE vm = ?", arguments: [vm.rawValue])
    }
  }

  /// Writes down the newest coordinator that is known.
  public func remember(coordinator epoch: Epoch) throws {
    try write { database in
      try database.execute(sql: "DELETE FROM coordinator")
      try database.execute(
        sql: "INSERT INTO coordinator (epoch) VALUES (?)", arguments: [Int64(bitPattern: epoch)])
    }
  }

  /// The newest coordinator that the last incarnation knew; nil: it knew none.
  public func newestCoordinator() throws -> Epoch? {
    try database.read { database in
      try Int64.fetchOne(database, sql: "SELECT epoch FROM coordinator").map(UInt64.init(bitPattern:))
    }
  }

  /// The jobs that the last incarnation left.
  public func jobs() throws -> [SuspendedJob] {
    try database.read { database in
      try Row.fetchAll(database, sql: "SELECT * FROM job LEFT JOIN hold USING (vm) ORDER BY vm").map { row in
        let names = try (row["processes"] as String?).map {
          try JSONDecoder().decode([String].self, from: Data($0.utf8))
        }
        return SuspendedJob(
          vm: VMName(rawValue: row["vm"]),
          audience: names.map { .processes(Set($0)) } ?? .everyProcess(count: row["count"]), isClosed: row["closed"],
          lease: row["lease"])
      }
    }
  }
}
