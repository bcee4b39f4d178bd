public import ClusterModel
public import CoordinatorCore
import Foundation
import GRDB
public import Journal

/// Operations under way, what was said of hosts, and where machines belong, in the coordinator's journal.
extension TaskJournal {
  /// Opens or makes a coordinator's journal; `leastEpoch` as in `init`.
  public static func ofCoordinator(_ path: String, leastEpoch: UInt64) throws -> TaskJournal {
    try TaskJournal(
      path: path, leastEpoch: leastEpoch,
      tables: """
        CREATE TABLE IF NOT EXISTS operation (id TEXT PRIMARY KEY, state TEXT NOT NULL);  -- as JSON
        CREATE TABLE IF NOT EXISTS node (host TEXT PRIMARY KEY, state TEXT NOT NULL, reason TEXT NOT NULL);
        CREATE TABLE IF NOT EXISTS origin (machine TEXT PRIMARY KEY, host TEXT NOT NULL);
        """)
  }

  /// Writes operations down as they now are; on return all of them are on disk, or none.
  public func save(_ saved: [SavedOperation]) throws {
    let rows = try saved.map { one in
      (id: one.operation.id.rawValue, state: String(decoding: try JSONEncoder().encode(one), as: UTF8.self))
    }
    try write { database in
      for row in rows {
        try database.execute(
          sql: "INSERT OR REPLACE INTO operation (id, state) VALUES (?, ?)", arguments: [row.id, row.state])
      }
    }
  }

  /// Lets go of an operation that has ended.
  public func drop(_ id: PlanID) throws {
    try write { database in
      try database.execute(sql: "DELETE FROM operation WHERE id = ?", arguments: [id.rawValue])
    }
  }

  /// The operations that the last incarnation left.
  public func operations() throws -> [SavedOperation] {
    try database.read { database in
      try String.fetchAll(database, sql: "SELECT state FROM operation ORDER BY id").map {
        try JSONDecoder().decode(SavedOperation.self, from: Data($0.utf8))
      }
    }
  }

  /// Writes down what is being done with a host.
  public func save(_ report: NodeReport) throws {
    try write { database in
      try database.execute(
        sql: "INSERT OR REPLACE INTO node (host, state, reason) VALUES (?, ?, ?)",
        arguments: [report.host.rawValue, report.state.rawValue, report.reason])
    }
  }

  /// Writes down that the machines with these UUIDs belong on the host.
  public func keep(origins uuids: [String], _ host: HostName) throws {
    try write { database in
      for uuid in uuids {
        try database.execute(
          sql: "INSERT OR REPLACE INTO origin (machine, host) VALUES (?, ?)", arguments: [uuid, host.rawValue])
      }
    }
  }

  public func forget(origins uuids: [String]) throws {
    try write { database in
      for uuid in uuids { try database.execute(sql: "DELETE FROM origin WHERE machine = ?", arguments: [uuid]) }
    }
  }

  /// Where machines belong, by UUID.
  public func origins() throws -> [String: HostName] {
    try database.read { database in
      let rows = try Row.fetchAll(database, sql: "SELECT machine, host FROM origin")
      return Dictionary(rows.map { ($0["machine"], HostName(rawValue: $0["host"])) }) { first, _ in first }
    }
  }

  /// What was said of hosts.
  public func nodes() throws -> [NodeReport] {
    try database.read { database in
      try Row.fetchAll(database, sql: "SELECT * FROM node ORDER BY host").compactMap { row in
        NodeReport.State(rawValue: row["state"]).map {
          NodeReport(host: HostName(rawValue: row["host"]), state: $0, reason: row["reason"])
        }
      }
    }
  }
}
