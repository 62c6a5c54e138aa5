import Posix
import ReleaseModel

/// All inputs of a build, by which the cache decides which results of an earlier build it may use.
struct BuildInputs {
  let digests: SourceDigests
  let key: CacheKey
  private let project: Project

  /// Must be made before anything is fetched into the source.
  init(_ build: Build, _ plan: BuildPlan, _ tools: BuildTools) throws(BuildFailure) {
    project = plan.project
    let surroundings = build.request.environment.filter { Self.mayMatter($0.key) }
    let loose = Set(BuildEnvironment.perBuild).union(surroundings.keys)
    digests = try BuildFailure.reading(
      SourceDigests.read(plan.project.source, lookingFor: loose.sorted()))
    try Self.checkFolders(digests.folders, in: project.source)
    let config = build.configVars.values.merging(
      build.configVars.steering(build.request.environment)
    ) {
      own, _ in own
    }
    let perBuild = Set(BuildEnvironment.perBuild)
    let lock = project.builder == .mix ? "mix.lock" : "rebar.lock"
    var parts = [
      ("relpack", Self.program), ("Erlang/OTP", tools.toolchain.erlang.version.description),
      ("Elixir", tools.toolchain.elixir?.version.description ?? "-"),
      ("the tools", Self.digest(tools.toolchain.identity)),
      ("MIX_ENV", build.settings.environment),
      ("the configuration", Self.digest(of: digests) { Self.isConfiguration($0) }),
      (
        "a config var",
        Self.digest(
          config.filter { name, _ in
            !perBuild.contains(name)
              && (BuildSettings.compiling.contains(name) || !BuildSettings.names.contains(name))
          })
      ), ("the platform", Self.platform(build.request.environment)),
    ].map { CacheKey.Part(name: $0, value: $1) }
    let place = project.place.isEmpty ? lock : project.place + "/" + lock
    if let digest = digests.files[place] {
      parts.append(CacheKey.Part(name: lock, value: Hex.encode(digest)))
    }
    let all = build.request.environment.merging(config) { $1 }
    key = CacheKey(parts: parts, lock: lock, variables: all.filter { loose.contains($0.key) })
  }

  /// Refuses folders that the build's user cannot change, since the build could not remove them after the exchange.
  private static func checkFolders(_ folders: [String], in source: String) throws(BuildFailure) {
    for folder in folders.map({ source + "/" + $0 }) {
      let isOwn = (try? Files.info(folder))??.owner == User.id
      if !isOwn, !Files.isWritable(folder) {
        throw .unwritable(PosixError("change", folder, .accessDenied))
      }
    }
  }

  /// Whether a file of the source is unchanged since the build began.
  func isUnchanged(_ path: String, _ bytes: [UInt8]) -> Bool {
    guard let digest = digests.files[path], digest.first != 2 else { return false }
    return Array(digest.dropFirst()) == SHA256.digest(bytes)
  }

  func wanted(in place: BuildPlace, slug: String) -> BuildCache.Wanted {
    BuildCache.Wanted(
      key: key(in: place), digests: digests, origin: project.source, root: place.real.root,
      source: place.real.source, dependencies: dependencies(in: place), build: place.real.build,
      slug: slug)
  }

  /// - Parameter slug: the slug's folder; nil if the next build must not use it.
  func made(in place: BuildPlace, _ facts: BuilderRun.Facts, slug: String?) -> BuildCache.Made {
    let isVendored = digests.folders.contains(
      project.place.isEmpty ? "deps" : project.place + "/deps")
    let dependencies = dependencies(in: place)
    let own = Set(facts.own.keys)
    return BuildCache.Made(
      key: key(in: place), digests: digests, origin: project.source, root: place.real.root,
      dependencies: !isVendored && Files.isFolder(dependencies) ? dependencies : nil,
      dependenciesPlace: dependencies, build: place.isUsual ? place.real.build : nil,
      buildPlace: place.real.build,
      slug: place.isUsual && !facts.isUnlocked && !facts.reachesOut ? slug : nil,
      ownApplications: own, leavingOut: facts.reachesOut ? own : [])
  }

  /// Code that was compiled under another path than the usual one can only be used under that path.
  private func key(in place: BuildPlace) -> CacheKey {
    if place.isUsual { return key }
    var key = key
    key.parts.append(CacheKey.Part(name: "the build's folder", value: place.seen.root))
    return key
  }

  /// The folder of mix's fetched dependencies. rebar3 has its own in the folder for compiled code.
  private func dependencies(in place: BuildPlace) -> String {
    project.at(place.real.source).folder + "/deps"
  }

  /// Whether a file decides how everything is compiled, dependencies too. Run-time configuration does not.
  private static func isConfiguration(_ path: String) -> Bool {
    let name = Files.name(of: path)
    if ["mix.exs", "rebar.config", "rebar.config.script"].contains(name) { return true }
    // Configuration may read files beside it.
    return path.split(separator: "/").contains("config") && name != "runtime.exs"
      && name != "releases.exs"
  }

  private static func digest(of digests: SourceDigests, _ isPart: (String) -> Bool) -> String {
    var hash = SHA256()
    for (path, digest) in digests.files.filter({ isPart($0.key) }).sorted(by: { $0.key < $1.key }) {
      hash.update(Array(path.utf8) + [0] + digest)
    }
    return Hex.encode(hash.finish())
  }

  private static func digest(_ values: [String: String]) -> String {
    var hash = SHA256()
    for (name, value) in values.sorted(by: { $0.key < $1.key }) {
      hash.update(Array("\(name)=\(value.utf8.count):\(value)".utf8))
    }
    return Hex.encode(hash.finish())
  }

  private static func digest(_ text: String) -> String {
    Hex.encode(SHA256.digest(Array(text.utf8)))
  }

  /// A digest of this program, since another version may build in another way.
  static let program =
    (try? SHA256.digest(ofFile: "/proc/self/exe")).map(Hex.encode) ?? Random.hex(8)

  /// Variables that differ between hosts and shells and do not change a build.
  private static let passing: Set<String> = [
    "_", "HOME", "HOSTNAME", "LANG", "LOGNAME", "OLDPWD", "PATH", "PWD", "SHELL", "SHLVL", "TERM",
    "TMPDIR", "USER", "BUILD_DIR", "CACHE_DIR", "ENV_DIR", "RELTUI_HOME",
  ]

  /// Whether compiled code may read a variable of the build's environment. Platforms and shells set many variables, so one
  /// counts only if a file mentions its name.
  private static func mayMatter(_ name: String) -> Bool {
    !passing.contains(name) && !name.hasPrefix("RELPACK_") && name.utf8.count > 2
  }

  /// A digest of the kind of host and of the options for its compilers.
  private static func platform(_ environment: [String: String]) -> String {
    var facts = environment.filter { name, _ in
      ["CC", "CXX", "LDFLAGS", "NODE_ENV", "STACK"].contains(name) || name.hasSuffix("FLAGS")
        || ["ERL_", "ELIXIR_", "MIX_", "HEX_", "REBAR_"].contains { name.hasPrefix($0) }
    }
    facts[".arch"] = Manifest.Target.host.arch
    facts[".system"] = (try? Files.read("/etc/os-release", limit: 1 << 16)).map {
      String(decoding: $0, as: UTF8.self)
    }
    return digest(facts)
  }
}
