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

  /// The arguments of unshare(1) before a command to run it with mounts and a process table of its own: no other process sees what it mounts,
  /// and when the command ends, or unshare(1) does, all that it has started is killed. Root needs no user namespace for
  /// that: in one, the files of other users would seem to belong to the user `nobody`.
  public static var mountEntrance: [String] {
    (User.isRoot ? [] : ["--user", "--map-current-user", "--keep-caps"])
      + ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]
  }

  /// For the process inside: raises the loopback of its network, and lets no program that it starts have what it may do
  /// there.
  public static func settle(network: Bool) throws(PosixError) {
    if network { try check("set up", "loopback") { cposix_raise_loopback() } }
    try check("drop", "capabilities") { cposix_keep_from_heirs() }
  }

  /// For the process inside: shows a tree in another place, where it can be changed; the changes are kept in memory, and
  /// the tree stays what it is. All of it is gone with the process. Source: overlayfs in the kernel's documentation.
  /// - Parameter place: a folder that is made.
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
  /// itself is not changed, nor need its owner allow anything: it is replaced by a tmpfs that shows what is in it.
  /// - Parameters:
  ///   - place: `PARENT/NAME`; whatever has this name is hidden.
  ///   - scratch: a folder that is used for this alone, to be mounted on.
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

  /// What cannot be shown is left out: what a command needs of it, it will miss by name.
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

  /// For the process inside: hides what is in a folder from it and all that it starts.
  public static func hide(_ folder: String) throws(PosixError) {
    try check("mount", folder) { cposix_mount("tmpfs", folder, "mode=755") }
  }
}
