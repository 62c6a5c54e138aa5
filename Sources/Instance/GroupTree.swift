import Posix

/// The host's tree of control groups of version 2, as this process sees it, and a process's place in it. cgroups(7)
public struct GroupTree: Hashable, Sendable {
  /// The folder where the tree is mounted; nil if it is not.
  public var mount: String?
  /// The group of the process, from there on: `/system.slice/reltui-agent.service/agent`.
  public var group: String
  /// Whether systemd owns the tree. Only what it delegates may be changed by others.
  public var isSystemds: Bool
  public var isRoot: Bool

  public init(mount: String?, group: String, isSystemds: Bool, isRoot: Bool) {
    (self.mount, self.group) = (mount, group)
    (self.isSystemds, self.isRoot) = (isSystemds, isRoot)
  }

  /// - Parameters:
  ///   - mounts: the text of `/proc/self/mountinfo`. proc(5)
  ///   - groups: the text of `/proc/PID/cgroup`.
  public init(mounts: String, groups: String, isSystemds: Bool, isRoot: Bool) {
    let own = groups.split(separator: "\n").first { $0.hasPrefix("0::/") }.map {
      String($0.dropFirst(3))
    }
    var found: (root: String, place: String)?
    for line in mounts.split(separator: "\n") {
      let halves = line.split(separator: " - ", maxSplits: 1)
      guard halves.count == 2, halves[1].hasPrefix("cgroup2 ") else { continue }
      let fields = halves[0].split(separator: " ")
      // One that was mounted outside this namespace shows groups above it. cgroup_namespaces(7)
      guard fields.count > 4, !fields[3].hasPrefix("/..") else { continue }
      found = (String(fields[3]), String(fields[4]))
      break
    }
    // Blanks in a path are written as octal numbers; no host mounts the tree there.
    let mount = found.flatMap { $0.place.contains("\\") ? nil : $0.place }
    var group = own ?? "/"
    if let root = found?.root, root != "/" {
      group = (group + "/").hasPrefix(root + "/") ? String(group.dropFirst(root.count)) : "/"
    }
    // A process outside the part of the tree that is seen.
    if group.isEmpty || group.hasPrefix("/..") { group = "/" }
    self.init(mount: mount, group: group, isSystemds: isSystemds, isRoot: isRoot)
  }

  /// - Parameter process: nil for this one.
  public static func here(of process: Int32? = nil) -> GroupTree {
    func text(_ path: String) -> String {
      String(decoding: (try? Files.read(path, limit: 1 << 20)) ?? [], as: UTF8.self)
    }
    return GroupTree(
      mounts: text("/proc/self/mountinfo"),
      groups: text("/proc/\(process.map { String($0) } ?? "self")/cgroup"),
      isSystemds: Files.isFolder("/run/systemd/system"), isRoot: User.isRoot)
  }
}
