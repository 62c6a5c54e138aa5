import Buildpack
import Glibc
import Posix
import ReleaseModel
import TestSupport
import Testing

/// A platform's build machine: a packaged buildpack that its users cannot change, and an unprivileged user that builds.
final class BuildHost: Sendable {
  /// The user nobody.
  static let user: uid_t = 65534

  let folder: TemporaryFolder
  let sample: Sample
  var cache: String { folder.path + "/caches/app" }
  var variables: String { folder.path + "/env" }
  var home: String { folder.path + "/home" }
  private var buildpack: String { folder.path + "/buildpack" }

  init(_ sample: Sample) throws {
    folder = try TemporaryFolder(sample.project, inMemory: true)
    self.sample = sample
    try FileTree.copy(Workspace.root + "/buildpack", to: buildpack)
    let machine = buildpack + "/libexec/" + Manifest.Target.host.arch
    try Files.makeFolder(machine, mode: 0o755)
    try Files.hardLink(
      try Platform.relpack.get().path + "/relpack", at: machine + "/relpack")
    for path in ["", "/bin", "/libexec"] { try Files.setMode(buildpack + path, 0o555) }
    try Files.makeFolder(home, mode: 0o755)
    try Canary.write(to: variables)
    // The boot check has its own tests, and a boot takes as long as a build.
    let config = ["RELPACK_BOOT_CHECK": "off"].merging(sample.config) { $1 }
    for (name, value) in config { try folder.write("env/" + name, value) }
    try Files.makeFolder(Files.parent(of: cache), mode: 0o755)
    try sample.cache.prepare(cache)
    try sample.prepare(folder)
    for path in [Files.parent(of: cache), variables, home, folder.path + "/remote.git"]
    where Files.exists(path) {
      try giveAway(path)
    }
  }

  /// Gives all files to the build's user, if the tests run as another user.
  func giveAway(_ path: String, to user: uid_t = user) throws {
    guard User.isRoot else { return }
    try shell("chown -hR \(user):\(user) \"$0\"", path)
  }

  func shell(_ script: String, _ words: String...) throws {
    let result = try Invocation(
      ["sh", "-c", script] + words, environment: ["PATH": Invocation.standardPath]
    ).run(limit: 30_000)
    if !result.isSuccess { throw Failed(output: result.text) }
  }

  struct Failed: Error { var output: String }

  /// Unpacks the sample as a platform does: all files have the same old time.
  func unpack(_ place: String, change: (String) throws -> Void = { _ in }) throws -> String {
    let source = folder.path + "/" + place
    try Files.makeFolder(Files.parent(of: source), mode: 0o755)
    try sample.copy(to: source)
    try sample.complete(source, folder)
    try change(source)
    try shell("find \"$0\" -exec touch -h -d @1000000000 {} +", source)
    try Files.setMode(source, 0o755)
    try giveAway(source)
    return source
  }

  /// A command prefix under which no namespaces can be made, as in many containers.
  static let confined = [
    "unshare", "--user", "--map-current-user", "--keep-caps", "sh", "-c",
    "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$@\"", "sh",
  ]

  /// One of the buildpack's programs, with only the variables that all platforms set.
  func invocation(
    _ command: String, _ arguments: [String], umask: String = "022", user: uid_t = user,
    isConfined: Bool = false, environment more: [String: String] = [:]
  ) -> Invocation {
    let become =
      User.isRoot ? ["setpriv", "--reuid=\(user)", "--regid=\(user)", "--clear-groups"] : []
    let environment = [
      "PATH": "/usr/bin:/bin", "HOME": folder.path + "/home", "STACK": "heroku-24",
    ]
    let words = ["sh", "-c", "umask \(umask); exec \"$@\"", "sh", buildpack + "/bin/" + command]
    return Invocation(
      become + (isConfined ? Self.confined : []) + words + arguments, in: "/",
      environment: environment.merging(more) { $1 })
  }

  func run(
    _ command: String, _ arguments: [String], umask: String = "022",
    environment: [String: String] = [:]
  ) throws -> Platform.Result {
    try Self.result(invocation(command, arguments, umask: umask, environment: environment))
  }

  static func result(_ invocation: Invocation) throws -> Platform.Result {
    let result = try invocation.run(limit: 120_000)
    return Platform.Result(exit: result.exit, lines: Platform.lines(result.text))
  }

  func compile(
    _ source: String, umask: String = "022", environment: [String: String] = [:]
  ) throws -> Platform.Result {
    try run("compile", [source, cache, variables], umask: umask, environment: environment)
  }
}

/// Config vars with difficult values. None of these values may be found anywhere after a build.
enum Canary {
  static let word = "canary-5f0c9b"
  static let values = [
    "CANARY_PLAIN": word + "-plain",
    "CANARY_LINES": "\(word)-first\n\(word)-second\n",
    "CANARY_QUOTED": "\(word)-\"quo'ted\\ $(touch /tmp/\(word)) `id` $HOME",
    "CANARY_BIG": String(repeating: word + "-big ", count: 60_000),
    "SECRET_KEY_BASE": word + "-secret",
    "PATH": "/\(word)/bin", "LD_PRELOAD": "/\(word).so", "GIT_DIR": "/\(word)/git",
    "CPATH": "/\(word)", "LIBRARY_PATH": "/\(word)",
  ]

  /// An ENV_DIR with these values, with bytes that are not UTF-8, and with entries that are not files.
  static func write(to folder: String) throws {
    try Files.makeFolder(folder, mode: 0o755)
    for (name, value) in values { try File.open(folder + "/" + name, .create).write(value) }
    try File.open(folder + "/CANARY_BYTES", .create).write(Array(word.utf8) + [0xff, 0xfe])
    try File.open(folder + "/canary-name", .create).write(word)
    try Files.makeFolder(folder + "/CANARY_FOLDER")
    try Files.symbolicLink(to: "/nowhere/" + word, at: folder + "/CANARY_LINK")
    if mkfifo(folder + "/CANARY_PIPE", 0o644) != 0 {
      throw PosixError("make", folder + "/CANARY_PIPE", Errno(rawValue: errno))
    }
  }

  /// Files below the folder that hold one of them.
  static func found(in folder: String) throws -> [String] {
    guard Files.exists(folder) else { return [] }
    let result = try Invocation(
      ["grep", "-rlaF", "--devices=skip", word, folder],
      environment: ["PATH": Invocation.standardPath, "LC_ALL": "C"]
    ).run(limit: 30_000)
    return Platform.lines(result.text)
  }
}

/// Lines that a build may write: Heroku's form, and nothing that a terminal takes for a command.
func badLines(_ lines: [String]) -> [String] {
  lines.filter { line in
    let hasForm =
      line.isEmpty || ["-----> ", "       ", " !     "].contains { line.hasPrefix($0) }
    let isPlain = line.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
    return !hasForm || !isPlain || line.contains(Canary.word)
  }
}
