import Events
import HomeLayout
import Posix
import TestSupport
import Testing

@testable import Instance

/// Control groups on made-up trees: plain folders with the files that the kernel would have there.
struct RunGroupsTests {
  private static let unit = "/system.slice/reltui-agent.service"
  private static let home = Home(root: "/var/lib/reltui")
  private static let all = "cpuset cpu io memory pids\n"

  /// A tree in a temporary folder.
  private struct Host {
    let folder: TemporaryFolder

    init(_ group: String = "", controllers: String = RunGroupsTests.all) throws {
      folder = try TemporaryFolder("groups")
      try add(group, ["cgroup.controllers": controllers, "cgroup.subtree_control": ""])
    }

    /// Adds a group with these files.
    func add(_ group: String, _ files: [String: String] = [:]) throws {
      for (name, text) in files.merging(["cgroup.procs": ""], uniquingKeysWith: { a, _ in a }) {
        try folder.write(group + "/" + name, text)
      }
    }

    func tree(_ group: String = "/", isSystemds: Bool = false) -> GroupTree {
      GroupTree(mount: folder.path, group: group, isSystemds: isSystemds, isRoot: true)
    }

    func text(_ path: String) -> String {
      (try? Files.read(folder.path + path)).map { String(decoding: $0, as: UTF8.self) } ?? "–"
    }
  }

  // MARK: - The place in the tree

  private static let unified = "30 1 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n"

  @Test(
    arguments: [
      (unified, "0::/system.slice/x.service\n", "/sys/fs/cgroup", "/system.slice/x.service"),
      (unified, "0::/\n", "/sys/fs/cgroup", "/"), (unified, "", "/sys/fs/cgroup", "/"),
      (unified, "0::/../other\n", "/sys/fs/cgroup", "/"),
      (
        "29 1 0:25 / /sys/fs/cgroup rw - tmpfs t rw\n30 29 0:26 / /sys/fs/cgroup/unified rw shared:3 - cgroup2 c rw\n",
        "4:memory:/x\n0::/y\n", "/sys/fs/cgroup/unified", "/y"
      ),
      // A container that sees a part of the host's tree.
      (
        "30 1 0:26 /docker/1 /sys/fs/cgroup rw - cgroup2 cgroup rw\n", "0::/docker/1/a\n",
        "/sys/fs/cgroup", "/a"
      ),
      (
        "30 1 0:26 /docker/1 /sys/fs/cgroup rw - cgroup2 cgroup rw\n", "0::/docker/12\n",
        "/sys/fs/cgroup", "/"
      ),
      (
        "30 1 0:26 /.. /sys/fs/cgroup rw - cgroup2 c rw\n31 1 0:26 / /mnt/groups rw - cgroup2 c rw\n",
        "0::/\n", "/mnt/groups", "/"
      ),
      ("30 1 0:26 / /a\\040b rw - cgroup2 cgroup rw\n", "0::/a\n", nil, "/a"),
      ("30 1 0:26 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n", "8:pids:/a\n", nil, "/"),
      ("cgroup2 - cgroup2\n - \n", "0:\n::\n", nil, "/"),
    ] as [(String, String, String?, String)])
  func readsThePlace(mounts: String, groups: String, mount: String?, group: String) {
    let tree = GroupTree(mounts: mounts, groups: groups, isSystemds: false, isRoot: true)
    #expect(tree.mount == mount && tree.group == group)
  }

  // MARK: - What can be enforced

  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    /// The group that is the agent's to use, and its controllers; nil if there is no such file.
    var folder = ""
    var controllers: String? = RunGroupsTests.all
    var agent = "/"
    var isSystemds = false
    var isRoot = true
    var enforced: Set<Limits.Name> = []
    /// Words of the reason and of the remedy.
    var gap: [String] = []
  }

  static let cases = [
    Case(testDescription: "no systemd", enforced: [.memory, .cpu, .pids]),
    Case(
      testDescription: "unit with a subgroup", folder: unit, agent: unit + "/agent",
      isSystemds: true, enforced: [.memory, .cpu, .pids]),
    Case(
      testDescription: "unit of an old systemd", folder: unit, agent: unit, isSystemds: true,
      gap: ["limits are not enforced on this host: systemd puts", "254 or newer"]),
    Case(
      testDescription: "agent of a command under systemd", folder: "/user.slice/session-3.scope",
      agent: "/user.slice/session-3.scope", isSystemds: true,
      gap: ["systemd has not started the agent", "relctl agent install"]),
    Case(
      testDescription: "a group of a user that is called like the agent's",
      folder: "/user.slice/session-3.scope", agent: "/user.slice/session-3.scope/agent",
      isSystemds: true, gap: ["systemd has not started the agent", "relctl agent install"]),
    Case(
      testDescription: "controllers of version 1", controllers: "hugetlb\n",
      gap: [
        "limits are not enforced on this host: '", "has no controller for memory, cpu, pids",
        "cgroup_no_v1=all",
      ]),
    Case(
      testDescription: "user without cpu", folder: unit, controllers: "memory pids\n",
      agent: unit + "/agent", isSystemds: true, isRoot: false, enforced: [.memory, .pids],
      gap: [
        "limits of cpu are not enforced on this host: ", "no controller for cpu", "Delegate=cpu",
      ]
    ),
    Case(
      testDescription: "nothing to write", controllers: nil,
      gap: ["cannot be written", "In a container, mount /sys/fs/cgroup"]),
    Case(
      testDescription: "nothing to write for a user", controllers: nil, isRoot: false,
      gap: ["cannot be written", "Let root serve the home."]),
  ]

  @Test(arguments: cases) func plans(_ test: Case) throws {
    let host = try Host(test.folder, controllers: test.controllers ?? "")
    if test.controllers == nil {
      try Files.remove(host.folder.path + test.folder + "/cgroup.subtree_control")
    }
    var tree = host.tree(test.agent, isSystemds: test.isSystemds)
    tree.isRoot = test.isRoot
    let groups = RunGroups(tree, home: Self.home)
    #expect(groups.enforced == test.enforced)
    #expect(groups.folder == (test.enforced.isEmpty ? nil : host.folder.path + test.folder))
    #expect((groups.gap == nil) == test.gap.isEmpty)
    let text = (groups.gap?.sentence ?? "") + "\n" + (groups.gap?.remedy ?? "")
    for words in test.gap { #expect(text.contains(words), "\(text)") }
    let path = groups.path(of: InstanceName("web", 1), run: 7, app: "shop")
    #expect((path == nil) == test.enforced.isEmpty)
  }

  @Test func hostWithoutTheTree() {
    let tree = GroupTree(mount: nil, group: "/", isSystemds: true, isRoot: true)
    let gap = RunGroups(tree, home: Self.home).gap
    #expect(gap?.sentence.contains("it has no control groups of version 2") == true)
    #expect(gap?.id == "RT-LIMITS-NOT-ENFORCED" && gap?.remedy?.contains("unified") == true)
  }

  // MARK: - What the agent does

  private func trial(_ host: Host, _ group: String = "") throws -> String {
    let run = RunGroups(host.tree(), home: Self.home)
      .path(of: InstanceName("web", 1), run: 7, app: "shop")
    let name = Files.name(of: try #require(run))
    return group + "/" + name.replacing("shop.web.1.7", with: "trial")
  }

  @Test func opensAUnitsGroup() throws {
    let host = try Host(Self.unit)
    let trial = try trial(Host(), Self.unit)
    try host.add(trial)
    try host.add(trial, Self.emptyFiles)
    var groups = RunGroups(host.tree(Self.unit + "/agent", isSystemds: true), home: Self.home)
    var seen = groups
    groups.open()
    #expect(groups.gap == nil && groups.enforced.count == 3)
    #expect(host.text(Self.unit + "/cgroup.subtree_control") == "+memory\n+cpu\n+pids\n")
    #expect(host.text(trial + "/cgroup.procs") == "0")

    // Another program finds out whether the agent could hand the controllers down.
    seen.dropUnhanded()
    #expect(seen.folder == nil && seen.gap?.sentence.contains("get no controllers") == true)
    try host.folder.write(Self.unit + "/cgroup.subtree_control", "cpu io memory pids\n")
    seen = RunGroups(host.tree(Self.unit + "/agent", isSystemds: true), home: Self.home)
    seen.dropUnhanded()
    #expect(seen.gap == nil && seen.folder == groups.folder)
  }

  /// The uppermost group of a container has processes, which must leave it; the host's own need not.
  @Test(arguments: [true, false]) func opensTheUppermostGroup(ofContainer: Bool) throws {
    let host = try Host()
    try host.add("/", ["cgroup.procs": "1\n0\n812\n"])
    if ofContainer {
      try host.add("/", ["cgroup.type": "domain\n", "cgroup.procs": "1\n0\n812\n"])
    }
    try host.add("/agent")
    try host.add(trial(host))
    try host.add(trial(host), Self.emptyFiles)
    var groups = RunGroups(host.tree(), home: Self.home)
    groups.open()
    #expect(groups.gap == nil && groups.folder == host.folder.path)
    let moved = host.text("/agent/cgroup.procs").split(separator: "\n")
    #expect(Set(moved) == (ofContainer ? ["1", "812"] : []))
  }

  @Test func whatCannotBeTriedIsNotEnforced() throws {
    let host = try Host()
    var groups = RunGroups(host.tree(), home: Self.home)
    groups.open()
    #expect(groups.folder == nil && groups.enforced.isEmpty)
    #expect(groups.gap?.sentence.contains("get no controllers: cannot write") == true)
    let written = host.text("/cgroup.subtree_control").split(separator: "\n")
    #expect(Set(written.suffix(3)) == ["-memory", "-cpu", "-pids"])
  }

  // MARK: - A run's group

  private static let files = [
    "memory.max", "memory.swap.max", "memory.oom.group", "cpu.max", "pids.max",
  ]

  private static let emptyFiles = Dictionary(uniqueKeysWithValues: files.map { ($0, "") })

  private func made(_ host: Host, controllers: String = all) throws -> (RunGroups, String) {
    let groups = RunGroups(host.tree(), home: Self.home)
    let path = try #require(groups.path(of: InstanceName("web", 1), run: 7, app: "shop"))
    return (groups, path)
  }

  @Test func setsLimitsAndTakesThemAway() throws {
    let host = try Host()
    let (groups, path) = try made(host)
    let name = "/" + Files.name(of: path)
    #expect(name.hasSuffix(".shop.web.1.7"))
    func reset() throws {
      try host.add(name, Self.emptyFiles)
    }
    func texts() -> [String] { Self.files.map { host.text(name + "/" + $0) } }
    try reset()
    try groups.make(path, Limits(memory: 512 << 20, cpu: 1500, pids: 500))
    #expect(texts() == ["536870912\n", "0\n", "1", "150000 100000\n", "500\n"])
    #expect(GroupReading(path)?.limits == Limits(memory: 512 << 20, cpu: 1500, pids: 500))
    try reset()
    try groups.apply(Limits(cpu: 10), to: path)
    #expect(texts() == ["max\n", "max\n", "", "1000 100000\n", "max\n"])
    #expect(GroupReading(path)?.limits == Limits(cpu: 10))
    // A kernel without swap.
    try reset()
    try Files.remove(path + "/memory.swap.max")
    try groups.apply(Limits(memory: 1 << 30), to: path)
    #expect(texts()[0] == "1073741824\n" && texts()[1] == "–")
  }

  @Test func writesOnlyWhatIsEnforced() throws {
    let host = try Host(controllers: "pids\n")
    let (groups, path) = try made(host)
    try host.add("/" + Files.name(of: path), ["pids.max": ""])
    try groups.make(path, Limits(memory: 512 << 20, cpu: 1500, pids: 500))
    #expect(host.text("/" + Files.name(of: path) + "/pids.max") == "500\n")
  }

  /// In the place of a group, or of a file in it.
  @Test(arguments: [true, false]) func followsNoLink(isFolder: Bool) throws {
    let host = try Host()
    let (groups, path) = try made(host)
    let files = Self.emptyFiles
    try host.add("/elsewhere", files)
    if isFolder {
      try Files.symbolicLink(to: host.folder.path + "/elsewhere", at: path)
    } else {
      try host.add("/" + Files.name(of: path))
      for name in files.keys {
        try Files.symbolicLink(to: "\(host.folder.path)/elsewhere/\(name)", at: "\(path)/\(name)")
      }
      try Files.remove(path + "/cgroup.procs")
      try Files.symbolicLink(
        to: host.folder.path + "/elsewhere/cgroup.procs", at: path + "/cgroup.procs")
    }
    #expect(throws: PosixError.self) { try groups.make(path, Limits(memory: 512 << 20)) }
    #expect(throws: PosixError.self) { try groups.apply(Limits(pids: 50), to: path) }
    let program = Invocation(["true"], environment: ["PATH": "/usr/bin:/bin"], inGroup: path)
    #expect(throws: PosixError.self) { try program.run() }
    for name in files.keys { #expect(host.text("/elsewhere/" + name) == "", "\(name)") }
    #expect(host.text("/elsewhere/cgroup.procs") == "")
  }

  /// Of this home's groups, those of ended runs go. A program that is alive keeps the one that it made.
  @Test func clearsWhatIsNotUsed() throws {
    let host = try Host()
    let groups = RunGroups(host.tree(), home: Self.home)
    let other = RunGroups(host.tree(), home: Home(root: "/srv/other"))
    func path(_ run: UInt64, _ groups: RunGroups) throws -> String {
      try #require(groups.path(of: InstanceName("web", 1), run: run, app: "shop"))
    }
    let own = Program.processID
    let stays = [
      try path(1, groups), try path(2, other), host.folder.path + "/user.slice",
      try #require(groups.path(ofEvaluationBy: own, app: "shop")),
    ]
    let goes = [
      try path(3, groups),
      try #require(groups.path(ofCheckOf: InstanceName("web", 1), run: 3, app: "shop")),
      try #require(groups.path(ofEvaluationBy: .max, app: "shop")),
    ]
    for path in stays + goes { try Files.makeFolder(path) }
    groups.clear(keeping: [stays[0]])
    #expect(stays.allSatisfy(Files.isFolder) && !goes.contains(where: Files.isFolder))
  }
}
