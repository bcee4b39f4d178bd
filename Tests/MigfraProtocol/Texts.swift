import MigfraProtocol
import Testing
import YAML

/// Reads a task as it comes from the bus.
func task(_ text: String) throws -> TaskMessage {
  try TaskMessage.decode(Array(text.utf8))
}

/// The refusal of a message that is no task.
func refusal(_ payload: [UInt8]) throws -> UnreadableTask {
  try #require(throws: UnreadableTask.self) { try TaskMessage.decode(payload) }
}

func refusal(_ text: String) throws -> UnreadableTask {
  try refusal(Array(text.utf8))
}

/// What goes out on the bus, as text.
func text(_ payload: [UInt8]) -> String {
  String(decoding: payload, as: UTF8.self)
}

func answer(_ text: String) throws -> TaskResult {
  try TaskResult.decode(Array(text.utf8))
}
