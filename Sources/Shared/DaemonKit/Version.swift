/// The version of the programs, as they show it and as reports carry it.
public enum Version {
  public static let current = "0.1.0"
}
