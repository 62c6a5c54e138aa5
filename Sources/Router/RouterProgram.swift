import Posix

/// HAProxy.
public enum RouterProgram {
  /// Names the program, or is `none` for a host without a router.
  public static let variable = "RELTUI_HAPROXY"

  /// The path of the program; nil if there is none. Debian has it in `/usr/sbin`, which is not in every user's PATH.
  public static func path(_ environment: [String: String]) -> String? {
    if let named = environment[variable], !named.isEmpty {
      return named != "none" && Files.isExecutableFile(named) ? named : nil
    }
    let path = (environment["PATH"] ?? "") + ":" + Invocation.standardPath
    return try? Invocation(["haproxy"], environment: ["PATH": path]).program()
  }
}
