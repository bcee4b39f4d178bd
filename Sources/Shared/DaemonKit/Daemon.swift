public import Logging
public import ServiceLifecycle
import UnixSignals

/// Runs a program's service until it ends or a signal asks it to.
public enum Daemon {
  public static func run(_ service: any Service, logger: Logger) async throws {
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: [.init(service: service, successTerminationBehavior: .gracefullyShutdownGroup)],
        gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet(logger)))
    try await group.run()
  }

  /// The group's own steps are of interest only to those who debug it.
  private static func quiet(_ logger: Logger) -> Logger {
    var logger = logger
    logger.logLevel = max(.warning, logger.logLevel)
    return logger
  }
}
