import Events
import HomeLayout
import Posix

/// The control groups of a home's runs: where they are, and which limits the kernel enforces there.
///
/// Each run has one group, in which its first process is before its first instruction, so that no descendant is outside.
/// `relshim` is not in it: it survives to record how the run ended. All groups of a home lie in one folder, beside the
/// group of the agent, because a group that has processes cannot hand controllers down. cgroups(7)
public struct RunGroups: Hashable, Sendable {
  /// The folder of the tree in which the runs have their groups; nil if they have none.
  public private(set) var folder: String?
  /// The limits that are enforced.
  public private(set) var enforced: Set<Limits.Name> = []
  /// Why the other limits are not enforced, with what mends it; nil if there are none.
  public private(set) var gap: Cause?

  private let tree: GroupTree
  /// The beginning of the names of this home's groups.
  private let prefix: String

  /// The name of the agent's own group, in a folder that it shares with the runs. systemd.resource-control(5),
  /// DelegateSubgroup
  public static let agentGroup = "agent"

  /// What can be enforced for the agent that has this place in the tree. Nothing is changed.
  public init(_ tree: GroupTree, home: Home) {
    self.tree = tree
    prefix = "reltui-\(Hex.encode(SHA256.digest(Array(home.root.utf8)).prefix(4)))."
    find()
  }

  private mutating func find() {
    guard let mount = tree.mount else {
      return lack(
        "it has no control groups of version 2",
        remedy: "Boot the kernel with: systemd.unified_cgroup_hierarchy=1")
    }
    guard let folder = tree.isSystemds ? delegated(mount) : mount else { return }
    let files = ["", "/cgroup.procs", "/cgroup.subtree_control"]
    guard files.allSatisfy({ Files.isWritable(folder + $0) }) else {
      return lack(
        "'\(folder)' cannot be written",
        remedy: tree.isRoot
          ? "In a container, mount /sys/fs/cgroup so that it can be written."
          : "Let root serve the home.")
    }
    enforce(Self.names(in: folder + "/cgroup.controllers"), in: folder)
  }

  /// The folder that systemd has delegated to the agent.
  private mutating func delegated(_ mount: String) -> String? {
    let parent = Files.parent(of: tree.group)
    if Files.name(of: tree.group) == Self.agentGroup, parent.hasSuffix(".service") {
      return mount + parent
    }
    let isOld = tree.group.hasSuffix(".service")
    lack(
      isOld
        ? "systemd puts the agent into the group that must hold the runs; it or the unit is too old"
        : "systemd has not started the agent, so no control group is the agent's own",
      remedy: isOld
        ? "Update systemd to version 254 or newer, then: relctl agent install"
        : "relctl agent install")
    return nil
  }

  private mutating func enforce(_ names: Set<Limits.Name>, in folder: String) {
    (self.folder, enforced) = (names.isEmpty ? nil : folder, names)
    let missing = Limits.Name.allCases.filter { !names.contains($0) }
    if missing.isEmpty { return }
    let words = missing.map(\.rawValue).joined(separator: ", ")
    lack(
      "'\(folder)' has no controller for \(words)", of: names.isEmpty ? nil : words,
      remedy: tree.isRoot
        ? "Boot the kernel with: cgroup_no_v1=all"
        : "sudo systemctl edit user@.service, and add: [Service] Delegate=cpu memory pids")
  }

  /// - Parameter names: the limits that are meant; nil for all.
  private mutating func lack(_ reason: String, of names: String? = nil, remedy: String) {
    if names == nil { (folder, enforced) = (nil, []) }
    gap = Cause(
      .limitsNotEnforced,
      "limits\(names.map { " of " + $0 } ?? "") are not enforced on this host: \(reason)",
      remedy: remedy)
  }

  private static func names(in path: String) -> Set<Limits.Name> {
    let bytes = (try? Files.read(path, limit: 4096)) ?? []
    let words = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
    return Set(words.compactMap { Limits.Name(rawValue: String($0)) })
  }
}

// MARK: - As the agent makes them, and as others see them

extension RunGroups {
  /// The groups as other programs see them.
  /// - Parameter agent: the pid of the home's agent; nil if none runs.
  public static func seen(in home: Home, agent: Int32?) -> RunGroups {
    var groups = RunGroups(.here(of: agent), home: home)
    if agent != nil { groups.dropUnhanded() }
    return groups
  }

  /// Drops what a running agent could not hand down.
  public mutating func dropUnhanded() {
    guard let folder, !enforced.isSubset(of: Self.names(in: folder + "/cgroup.subtree_control"))
    else { return }
    lackHanding(in: folder, nil)
  }

  private mutating func lackHanding(in folder: String, _ error: PosixError?) {
    lack(
      "the groups in '\(folder)' get no controllers" + (error.map { ": \($0)" } ?? ""),
      remedy: "Move the processes in '\(folder)/cgroup.procs' to a group below, then: "
        + "relctl agent stop; relctl agent start")
  }

  /// Lets the kernel enforce the limits, and tries it with a program. Only the agent does this.
  public mutating func open() {
    guard let folder else { return }
    // Other homes may share the folder: what they handed down before stays.
    let before = Self.names(in: folder + "/cgroup.subtree_control")
    do throws(PosixError) {
      let file = try File.open(folder, .folder)
      if !tree.isSystemds { try makeRoom(in: file) }
      for name in Limits.Name.allCases where enforced.contains(name) {
        try Self.write("+\(name.rawValue)\n", to: "cgroup.subtree_control", in: file)
      }
      try tryOut()
    } catch {
      if let file = try? File.open(folder, .folder) {
        for name in enforced.subtracting(before) {
          try? Self.write("-\(name.rawValue)\n", to: "cgroup.subtree_control", in: file)
        }
      }
      lackHanding(in: folder, error)
    }
  }

  /// Moves the processes of a container's uppermost group into a group below. Those of the host's may stay.
  private func makeRoom(in folder: File) throws(PosixError) {
    guard (try? File.open("cgroup.type", .read, in: folder)) != nil else { return }
    try Files.makeFolder(folder.name + "/" + Self.agentGroup, mode: 0o755)
    let leaf = try File.open(Self.agentGroup, .folder, in: folder)
    // Each may start another meanwhile.
    for _ in 0..<3 {
      let bytes = try File.open("cgroup.procs", .read, in: folder).readToEnd(limit: 1 << 20)
      let pids = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        .compactMap { Int32($0) }.filter { $0 > 0 }
      if pids.isEmpty { return }
      for pid in pids { try? Self.write("\(pid)\n", to: "cgroup.procs", in: leaf) }
    }
  }

  private func tryOut() throws(PosixError) {
    guard let path = path(prefix + "trial") else { return }
    try make(path, Limits())
    defer { try? Files.removeFolder(path) }
    _ = try Invocation(
      ["true"], in: "/", environment: ["PATH": Invocation.standardPath], inGroup: path
    ).run(limit: 10_000)
  }

  static func write(_ text: String, to name: String, in group: File) throws(PosixError) {
    try File.open(name, .extend, in: group).write(text)
  }
}

// MARK: - The group of one run

extension RunGroups {
  private func path(_ name: String) -> String? { folder.map { $0 + "/" + name } }

  /// The path of a run's group; nil if runs have none.
  public func path(of instance: InstanceName, run: UInt64, app: String) -> String? {
    path("\(prefix)\(app).\(instance).\(run)")
  }

  /// The path of the group of a run's check command.
  public func path(ofCheckOf instance: InstanceName, run: UInt64, app: String) -> String? {
    path("\(prefix)\(app).\(instance).\(run).check")
  }

  /// The path of the group of a VM that another program starts beside the instances.
  public func path(ofEvaluationBy program: Int32, app: String) -> String? {
    path("\(prefix)\(app)\(Self.evaluation)\(program)")
  }

  private static let evaluation = ".eval."

  /// Makes a group with these limits; one that is there gets them.
  public func make(_ path: String, _ limits: Limits) throws(PosixError) {
    try Files.makeFolder(path, mode: 0o755)
    try apply(limits, to: path)
    if enforced.contains(.memory) {
      // A run that the kernel kills ends as a whole.
      try Self.write("1", to: "memory.oom.group", in: File.open(path, .folder))
    }
  }

  /// Gives a group these limits, at once.
  public func apply(_ limits: Limits, to path: String) throws(PosixError) {
    let group = try File.open(path, .folder)
    for name in Limits.Name.allCases where enforced.contains(name) {
      try Self.write(
        Self.text(limits[name], of: name) + "\n", to: "\(name.rawValue).max", in: group)
    }
    guard enforced.contains(.memory) else { return }
    // Without it, a run would use swap instead. A kernel without swap has no such file.
    do throws(PosixError) {
      try Self.write(limits.memory == nil ? "max\n" : "0\n", to: "memory.swap.max", in: group)
    } catch { if error.errno != .noSuchFile { throw error } }
  }

  /// Removes the group of a program that has ended. What it started may need a moment to end too; a group that is left is
  /// removed by the agent.
  public func remove(_ path: String) {
    for _ in 0..<10 where Files.isFolder(path) {
      if (try? Files.removeFolder(path)) != nil { return }
      Clock.pause(milliseconds: 10)
    }
  }

  /// Microseconds in which `cpu.max` counts.
  private static let period = 100_000

  private static func text(_ value: Int?, of name: Limits.Name) -> String {
    switch name {
    case .cpu: "\(value.map { String($0 * (period / 1000)) } ?? "max") \(period)"
    case .memory, .pids: value.map { String($0) } ?? "max"
    }
  }

  /// Removes the groups of this home without processes, but for these and those that a program is about to use.
  public func clear(keeping paths: Set<String>) {
    guard let folder, let names = try? Files.list(folder, skippingOthers: true) else { return }
    for name in names where name.hasPrefix(prefix) && !paths.contains(folder + "/" + name) {
      let owner = name.firstRange(of: Self.evaluation).flatMap { Int32(name[$0.upperBound...]) }
      if owner.flatMap(ProcessTable.stat) != nil { continue }
      try? Files.removeFolder(folder + "/" + name)
    }
  }
}
