import CPosix
import Glibc

/// A process apart from the host's others, in namespaces of its own: namespaces(7), made by unshare(1).
public enum Isolation {
  /// What goes before a command to run it as the first process of its own process table; when the command ends, or
  /// unshare(1) does, all that it has started is killed. The user stays who they are; no privilege is needed where the
  /// kernel lets users have namespaces.
  /// - Parameter network: with a network of its own too, in which there is nobody.
  public static func entrance(network: Bool) -> [String] {
    ["unshare", "--user", "--map-current-user", "--keep-caps", "--pid", "--fork", "--kill-child"]
      + ["--mount-proc"] + (network ? ["--net"] : []) + ["--"]
  }

  /// For the process inside: raises the loopback of its network, and lets no program that it starts have what it may do
  /// there.
  public static func settle(network: Bool) throws(PosixError) {
    if network { try check("set up", "loopback") { cposix_raise_loopback() } }
    try check("drop", "capabilities") { cposix_keep_from_heirs() }
  }
}
