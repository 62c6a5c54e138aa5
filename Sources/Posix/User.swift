import Glibc

/// The user of this process.
public enum User {
  public static var isRoot: Bool { geteuid() == 0 }

  public static var id: uid_t { geteuid() }

  /// The name of the person who runs a command: `SUDO_USER`, else the name of the uid, else the uid. It can be forged.
  public static func name(environment: [String: String]) -> String {
    if let name = environment["SUDO_USER"], !name.isEmpty { return name }
    return name(of: geteuid()) ?? String(geteuid())
  }

  /// Read from `/etc/passwd` (passwd(5)), since a static program has no name services.
  public static func name(of id: uid_t) -> String? { entry(of: id)?.first }

  /// The user's own folder, read from `/etc/passwd`.
  public static func home(of id: uid_t) -> String? {
    entry(of: id).flatMap { $0.count > 5 ? $0[5] : nil }
  }

  private static func entry(of id: uid_t) -> [String]? {
    guard let bytes = try? Files.read("/etc/passwd", limit: 1 << 20) else { return nil }
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      let fields = line.split(separator: ":", omittingEmptySubsequences: false)
      if fields.count > 2, fields[2] == String(id) { return fields.map(String.init) }
    }
    return nil
  }

  /// The host's name. gethostname(2)
  public static var host: String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard gethostname(&buffer, 255) == 0 else { return "localhost" }
    return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
