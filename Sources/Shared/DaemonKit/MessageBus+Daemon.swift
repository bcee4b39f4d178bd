import ClusterModel
public import Logging
public import MessageBus
public import MigfraProtocol

/// What every program of ours does with the bus.
extension MessageBus {
  /// Publishes, and returns when the broker has the message; nil: it never will, and the log says why.
  @discardableResult
  public func publish(_ message: BusMessage, orTell logger: Logger) async -> Delivery? {
    do throws(BusError) {
      return try await publish(message)
    } catch {
      logger.write(error, of: message)
      return nil
    }
  }

  /// Publishes an answer where the client wants it, or on the `usual` topic if the broker does not let us write there.
  @discardableResult
  public func publish(answer: BusMessage, orOn usual: String, orTell logger: Logger) async -> Delivery? {
    do throws(BusError) {
      return try await publish(answer)
    } catch {
      guard error.code == .refused, answer.topic != usual else {
        logger.write(error, of: answer)
        return nil
      }
      logger.warning(
        "the broker refused a response topic; the answer goes to the usual one",
        metadata: ["topic": "\(answer.topic)", LogKey.cause: "\(error)"])
      var answer = answer
      answer.topic = usual
      return await publish(answer, orTell: logger)
    }
  }
}

extension Logger {
  fileprivate func write(_ error: BusError, of message: BusMessage) {
    // A bus that is closed and a wait that is cancelled belong to a program that is ending; its journal knows what is left to
    // say.
    if error.code != .closed, error.code != .cancelled {
      self.error("a message could not be sent", metadata: ["topic": "\(message.topic)", LogKey.cause: "\(error)"])
    }
  }
}

extension BusMessage {
  /// Where the answer to this task goes: the client's response topic if it may be one, else `usual`.
  public func replyRoute(usual: String, logger: Logger) -> ReplyRoute {
    guard let wanted = responseTopic else { return ReplyRoute(topic: usual, correlationData: correlationData) }
    guard Topics.isAcceptableResponse(wanted) else {
      logger.warning(
        "a response topic was refused; the answer goes to the usual one", metadata: ["topic": "\(wanted)"])
      return ReplyRoute(topic: usual, correlationData: correlationData)
    }
    return ReplyRoute(topic: wanted, correlationData: correlationData)
  }

  /// Whether this is a task that the broker has kept; the log says how to be rid of it.
  public func isRetainedTask(logger: Logger) -> Bool {
    if isRetained {
      logger.warning(
        "a retained task was refused: it would run again at every start",
        metadata: ["topic": "\(topic)", "way-out": "mosquitto_pub -r -n -t \(topic)"])
    }
    return isRetained
  }

  /// Reads the message, or leaves a line in the log. An empty one only clears a retained topic.
  public func read<Value>(logger: Logger, _ decode: ([UInt8]) throws -> Value) -> Value? {
    guard !payload.isEmpty else { return nil }
    do {
      return try decode(payload)
    } catch {
      logger.warning("a message could not be read", metadata: ["topic": "\(topic)", LogKey.cause: "\(error)"])
      return nil
    }
  }
}

extension Logger {
  /// Writes what became of the connection to the broker.
  public func write(_ event: BusEvent) {
    switch event {
    case .connected(let sessionPresent):
      info("connected to the broker", metadata: ["session": sessionPresent ? "kept" : "new"])
    case .disconnected(let reason, let pause):
      warning(
        "no connection to the broker",
        metadata: [LogKey.cause: "\(reason)", "retry-in": "\(SizeText.seconds(pause.inSeconds))"])
    case .takenOver: error("another program has connected with this program's client id")
    case .message: break
    }
  }
}
