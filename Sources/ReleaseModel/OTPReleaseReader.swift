/// A reader that combines the files of an OTP release.
struct OTPReleaseReader {
  static let startErlData = "releases/start_erl.data"

  var read: (String) throws -> [UInt8]?
  var list: (String) -> [String]

  func release() throws(OTPReleaseError) -> OTPRelease {
    let versions = try startErlVersions()
    let (resource, directory) = try releaseResource(version: versions.release)
    let (script, scriptFile) = try bootScript(name: resource.name, directory: directory)
    let kind = try kind(name: resource.name, directory: directory)
    let startCommand = "bin/\(resource.name)"
    guard list("bin").contains(resource.name) else { throw .missing(files: [startCommand]) }
    return OTPRelease(
      name: resource.name, version: resource.version, ertsVersion: versions.erts, kind: kind,
      applications: try applications(resource, script, scriptFile: scriptFile),
      startCommand: startCommand, startArgument: kind == .mix ? "start" : "foreground")
  }

  // MARK: - Files

  private func bytes(_ file: String) throws(OTPReleaseError) -> [UInt8]? {
    do {
      return try read(file)
    } catch {
      throw .unreadable(file: file, reason: "\(error)")
    }
  }

  private func first(
    of files: [String]
  ) throws(OTPReleaseError) -> (file: String, bytes: [UInt8]) {
    for file in files {
      if let bytes = try bytes(file) { return (file, bytes) }
    }
    throw .missing(files: files)
  }

  /// `releases/start_erl.data`: the version of ERTS, a blank, the version of the release.
  private func startErlVersions() throws(OTPReleaseError) -> (erts: String, release: String) {
    let (file, bytes) = try first(of: [Self.startErlData])
    let text = String(validating: bytes, as: UTF8.self) ?? ""
    let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
    guard words.count == 2, let erts = words.first, let release = words.last else {
      throw .unexpected(file: file, expected: .startErlData)
    }
    for word in words { try OTPRelease.requireSafe(word, file: file) }
    return (erts, release)
  }

  /// The release resource file and the folder of its version. Releases of relx may have it in `releases` itself.
  private func releaseResource(
    version: String
  ) throws(OTPReleaseError) -> (ReleaseResource, directory: String) {
    let directory = "releases/\(version)"
    for folder in [directory, "releases"] {
      let files = resourceFiles(in: folder)
      if files.isEmpty { continue }
      var found: [ReleaseResource] = []
      for file in files {
        let path = "\(folder)/\(file)"
        let (_, bytes) = try first(of: [path])
        found.append(try ReleaseResource(relFile: bytes, file: path))
      }
      let matching = found.filter { $0.version == version }
      if let resource = matching.first, matching.count == 1 { return (resource, directory) }
      if matching.count > 1 { throw .ambiguous(directory: folder, files: files) }
      throw .unexpected(file: "\(folder)/\(files[0])", expected: .version(version))
    }
    throw .missing(files: ["\(directory)/NAME.rel", "releases/NAME.rel"])
  }

  /// `start_clean` and `no_dot_erlang` are boot files for tools, which may come with their own
  /// resource file. `start` may be a copy of the release's.
  private func resourceFiles(in folder: String) -> [String] {
    let others: Set = ["start_clean.rel", "no_dot_erlang.rel"]
    let files = list(folder).filter { $0.hasSuffix(".rel") && !others.contains($0) }.sorted()
    return files.count > 1 ? files.filter { $0 != "start.rel" } : files
  }

  private func bootScript(
    name: String, directory: String
  ) throws(OTPReleaseError) -> (BootScript, file: String) {
    let names = ["start", name]
    let files =
      names.map { "\(directory)/\($0).boot" } + names.map { "\(directory)/\($0).script" }
    let (file, bytes) = try first(of: files)
    if file.hasSuffix(".boot") { return (try BootScript(bootFile: bytes, file: file), file) }
    return (try BootScript(scriptFile: bytes, file: file), file)
  }

  /// `mix release` puts `env.sh` and its own `elixir` beside the boot files, but relx does not. The marks of relx
  /// (`nodetool`, `bin/NAME-VSN`, `RELEASES`) are checked second, because the release handler writes `RELEASES` for
  /// both.
  private func kind(name: String, directory: String) throws(OTPReleaseError) -> OTPRelease.Kind {
    let beside = list(directory)
    if beside.contains("env.sh") || beside.contains("elixir") { return .mix }
    let programs = list("bin")
    if programs.contains("nodetool") || programs.contains(where: { $0.hasPrefix(name + "-") })
      || list("releases").contains("RELEASES")
    {
      return .relx
    }
    throw .unknownKind
  }

  // MARK: - Applications

  private func applications(
    _ resource: ReleaseResource, _ script: BootScript, scriptFile: String
  ) throws(OTPReleaseError) -> [OTPRelease.Application] {
    let names = Set(resource.entries.map(\.name))
    var order: [String: Int] = [:]
    for start in script.starts {
      guard names.contains(start.application) else {
        throw .notListed(file: scriptFile, application: start.application)
      }
      if order[start.application] == nil { order[start.application] = order.count + 1 }
    }
    var applications: [OTPRelease.Application] = []
    for entry in resource.entries {
      let spec = try spec(entry, script)
      applications.append(
        OTPRelease.Application(
          name: entry.name, version: entry.version, startType: entry.startType,
          order: order[entry.name], description: spec.description,
          dependencies: spec.applications.filter {
            names.contains($0) || !spec.optionalApplications.contains($0)
          },
          optionalDependencies: spec.optionalApplications,
          includedApplications: entry.includedApplications ?? spec.includedApplications,
          registered: spec.registered, callbackModule: spec.callbackModule,
          modules: spec.moduleCount))
    }
    return applications
  }

  /// The specification from the application's own file. A release without ERTS has no such files for OTP's
  /// applications, so the copy in the boot script is used.
  private func spec(
    _ entry: ReleaseResource.Entry, _ script: BootScript
  ) throws(OTPReleaseError) -> ApplicationSpec {
    let file = "lib/\(entry.name)-\(entry.version)/ebin/\(entry.name).app"
    if let bytes = try bytes(file) {
      return try ApplicationSpec(appFile: bytes, name: entry.name, file: file)
    }
    guard let spec = script.loads.first(where: { $0.name == entry.name }) else {
      throw .missing(files: [file])
    }
    return spec
  }
}
