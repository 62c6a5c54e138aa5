import Posix

/// Asks again and again until the condition is true.
/// - Parameter limit: milliseconds after which it gives up.
/// - Returns: whether the condition became true in time.
public func eventually(_ limit: Int64 = 30_000, _ condition: () throws -> Bool) rethrows -> Bool {
  try Workspace.wait(milliseconds: limit) { try condition() ? true : nil } ?? false
}

/// `Tests/Fixtures`
public enum Fixtures {
  public static func path(_ name: String) -> String {
    Files.parent(of: Files.parent(of: #filePath)) + "/Fixtures/" + name
  }
}
