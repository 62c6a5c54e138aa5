import CPosix
import Glibc

/// Ways to isolate a process from the host's other processes by namespaces of its own. namespaces(7), unshare(1)
public enum Isolation {
  /// The words before a command that make it the first process of a PID namespace of its own. When the command or
  /// unshare(1) ends, its descendants are killed. The user stays the same, and needs no privilege if the kernel lets
  /// users have namespaces.
  /// - Parameter network: whether it also gets an empty network of its own.
  public static func entrance(network: Bool) -> [String] {
    ["unshare", "--user", "--map-current-user", "--keep-caps", "--pid", "--fork", "--kill-child"]
      + ["--mount-proc"] + (network ? ["--net"] : []) + ["--"]
  }

  /// The arguments of unshare(1) that give a command mount and PID namespaces of its own: no other process sees what it
  /// mounts, and when the command or unshare(1) ends, its descendants are killed. Root gets no user namespace, in which
  /// other users' files would seem to belong to the user `nobody`.
  public static var mountEntrance: [String] {
    (User.isRoot ? [] : ["--user", "--map-current-user", "--keep-caps"])
      + ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]
  }

  /// For the process inside: sets up the loopback of its network, and passes none of its capabilities on to the
  /// programs that it starts.
  public static func settle(network: Bool) throws(PosixError) {
    if network { try check("set up", "loopback") { cposix_raise_loopback() } }
    try check("drop", "capabilities") { cposix_keep_from_heirs() }
  }

  /// For the process inside: shows a tree in another place, where it can be changed. The changes are kept in memory
  /// until the process ends; the tree itself is not changed. Source: overlayfs in the kernel's documentation.
  /// - Parameter place: the folder to make.
  public static func lay(_ tree: String, over place: String) throws(PosixError) {
    // In the options a comma or a colon ends a path.
    if (tree + place).contains(where: { ",:\\".contains($0) }) {
      throw PosixError("mount", tree, .invalid)
    }
    let layer = place + ".layer"
    for folder in [place, layer] { try Files.makeFolder(folder) }
    try check("mount", layer) { cposix_mount("tmpfs", layer, "mode=700") }
    for name in ["/changes", "/work"] { try Files.makeFolder(layer + name) }
    let options = "lowerdir=\(tree),upperdir=\(layer)/changes,workdir=\(layer)/work,userxattr"
    try check("mount", place) { cposix_mount("overlay", place, options) }
  }

  /// For the process inside: shows a folder as an entry of another one, which keeps its other entries. The other folder
  /// is not changed, and no rights in it are needed: a tmpfs that shows its entries is mounted over it.
  /// - Parameters:
  ///   - place: `PARENT/NAME`; an entry that has this name already is hidden.
  ///   - scratch: a folder, used for nothing else, on which the tmpfs is mounted.
  public static func show(_ folder: String, at place: String, scratch: String) throws(PosixError) {
    let (parent, name) = (Files.parent(of: place), Files.name(of: place))
    try check("mount", scratch) { cposix_mount("tmpfs", scratch, "mode=1777") }
    for entry in try Files.list(parent, skippingOthers: true) where entry != name {
      show(parent + "/" + entry, in: scratch + "/" + entry)
    }
    try Files.makeFolder(scratch + "/" + name)
    try check("mount", folder) { cposix_bind(folder, scratch + "/" + name) }
    try check("mount", parent) { cposix_bind(scratch, parent) }
  }

  /// An entry that cannot be shown is left out. A command that needs it fails and names it.
  private static func show(_ entry: String, in place: String) {
    guard let info = try? Files.info(entry) else { return }
    switch info.kind {
    case .folder: try? Files.makeFolder(place)
    case .link:
      if let target = try? Files.target(ofLink: entry) {
        try? Files.symbolicLink(to: target, at: place)
      }
      return
    case .file, .other: _ = try? File.open(place, .create)
    }
    _ = cposix_bind(entry, place)
  }

  /// For the process inside: hides the content of a folder from it and its descendants.
  public static func hide(_ folder: String) throws(PosixError) {
    try check("mount", folder) { cposix_mount("tmpfs", folder, "mode=755") }
  }
}
