import Posix

/// Asks again and again until it is so.
/// - Parameter limit: milliseconds after which it is given up.
/// - Returns: whether it came to be so in time.
public func eventually(_ limit: Int64 = 5000, _ condition: () throws -> Bool) rethrows -> Bool {
  let end = Clock.monotonic() + limit
  while true {
    if try condition() { return true }
    if Clock.monotonic() > end { return false }
    _ = try? Poll.wait([], milliseconds: 5)
  }
}

/// `Tests/Fixtures`
public enum Fixtures {
  public static func path(_ name: String) -> String {
    Files.parent(of: Files.parent(of: #filePath)) + "/Fixtures/" + name
  }
}
