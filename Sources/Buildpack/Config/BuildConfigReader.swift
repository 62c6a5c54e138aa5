import Events

struct BuildConfigReader {
  private var config: BuildConfig
  private let file: String
  private var warnings: [String] = []
  /// The greatest number of warnings, so that a file full of unknown keys does not hide the build's output.
  private static let mostWarnings = 20

  init(config: BuildConfig, file: String) {
    (self.config, self.file) = (config, file)
  }

  func finish() -> BuildConfig {
    var config = config
    config.warnings += warnings.prefix(Self.mostWarnings)
    let more = warnings.count - Self.mostWarnings
    let lines = more == 1 ? "line" : "lines"
    if more > 0 { config.warnings.append("\(file): and \(more) more \(lines) like these") }
    return config
  }

  private mutating func warn(_ place: FilePlace, _ key: String, _ text: String) {
    warnings.append("\(place): \(key.prefix(40)): \(text)")
  }

  // MARK: .tool-versions

  /// Lines `TOOL VERSION …`, of which the first version counts. Other tools are ignored.
  mutating func readToolVersions(_ bytes: [UInt8]) throws(Cause) {
    let bytes = try BuildFile.check(bytes, file: file)
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      let words = line.prefix { $0 != UInt8(ascii: "#") }
        .split { " \t\r".utf8.contains($0) }.prefix(2).map { String(decoding: $0, as: UTF8.self) }
      guard let tool = words.first, ["erlang", "elixir", "nodejs", "node"].contains(tool) else {
        continue
      }
      let place = FilePlace(file: file, line: index + 1)
      guard words.count > 1 else { throw place.refusal("\(tool): the version is missing") }
      let name = tool == "nodejs" ? "node" : tool
      try take(words[1], of: name, key: tool, at: place)
    }
  }

  private mutating func take(_ text: String, of tool: String, key: String, at place: FilePlace)
    throws(Cause)
  {
    let path: WritableKeyPath<BuildConfig, VersionRequirement?> =
      switch tool {
      case "erlang": \.erlang
      case "elixir": \.elixir
      default: \.node
      }
    switch try VersionRequirement.read(text, of: key, at: place) {
    case .none(let reason): warn(place, key, reason)
    case .version(let requirement):
      if let other = config[keyPath: path], other.place.file != file, other.text != requirement.text
      {
        warn(place, key, "\(requirement.text) is taken, not \(other.text) of \(other.place)")
      }
      config[keyPath: path] = requirement
    }
  }

  // MARK: the files in shell syntax

  mutating func readConfig(_ bytes: [UInt8]) throws(Cause) {
    let config = try ShellConfig(bytes, file: file)
    let last = Dictionary(
      config.assignments.enumerated().map { ($1.key, $0) }, uniquingKeysWith: { $1 })
    for (index, assignment) in config.assignments.enumerated() where last[assignment.key] == index {
      switch file {
      case "elixir_buildpack.config": try readElixir(assignment)
      case "releases_buildpack.config": try readReleases(assignment)
      default: try readPhoenix(assignment)
      }
    }
  }

  private mutating func readElixir(_ line: ShellConfig.Assignment) throws(Cause) {
    if let hook = BuildConfig.Hook(rawValue: line.key) {
      let text = line.value.drop { $0.isWhitespace }
      if !text.isEmpty {
        config.hooks[hook] = BuildConfig.ShellText(text: line.value, place: line.place)
      }
      return
    }
    switch line.key {
    case "erlang_version": try readVersion(line, of: "erlang")
    case "elixir_version": try readVersion(line, of: "elixir")
    case "always_rebuild": if flag(line) == true { config.alwaysRebuild = true }
    case "release":
      if flag(line) == false { warn(line.place, line.key, "an OTP release is always made") }
    // This key has no effect, since a slug runs from any folder.
    case "runtime_path": break
    case "test_args":
      config.testArguments = BuildConfig.ShellText(text: line.value, place: line.place)
    default: warnOfOther(line)
    }
  }

  private mutating func readReleases(_ line: ShellConfig.Assignment) throws(Cause) {
    switch line.key {
    case "app_relative_path": config.releaseFolder = try folder(line)
    default: warnOfOther(line)
    }
  }

  private mutating func readPhoenix(_ line: ShellConfig.Assignment) throws(Cause) {
    switch line.key {
    case "node_version": try readVersion(line, of: "node")
    case "clean_cache": if flag(line) == true { config.alwaysRebuild = true }
    case "compile": config.assetsScript = try folder(line)
    case "phoenix_relative_path": config.phoenixFolder = try folder(line)
    case "assets_path": config.assetsFolder = try folder(line) ?? "."
    case "npm_version", "yarn_version":
      warn(
        line.place, line.key, "this key is ignored: the build uses the one of Node or of the image")
    case "remove_node":
      if flag(line) == false { warn(line.place, line.key, "Node is not put into a slug") }
    case "phoenix_ex":
      if !["", "phx"].contains(line.value) {
        warn(line.place, line.key, "the tasks of Phoenix are called phx")
      }
    default: warnOfOther(line)
    }
  }

  private mutating func warnOfOther(_ line: ShellConfig.Assignment) {
    let isOld = line.key == "config_vars_to_export"
    warn(line.place, line.key, isOld ? "the build sees all config vars" : "this key is not known")
  }

  /// Nil for an empty or wrong value.
  private mutating func flag(_ line: ShellConfig.Assignment) -> Bool? {
    switch line.value {
    case "true": return true
    case "false": return false
    case "": return nil
    default:
      warn(line.place, line.key, "it is neither true nor false and has no effect")
      return nil
    }
  }

  private mutating func readVersion(_ line: ShellConfig.Assignment, of tool: String) throws(Cause) {
    let text = try literal(line)
    if !text.isEmpty { try take(text, of: tool, key: line.key, at: line.place) }
  }

  /// A value that must be written literally, because the file is not run.
  private func literal(_ line: ShellConfig.Assignment) throws(Cause) -> String {
    guard let expansion = line.expansion else { return line.value }
    throw line.place.refusal(
      "\(line.key) holds '\(expansion)', and this file is read, not run",
      remedy: "Write the value itself.")
  }

  /// A path below the source; nil for the source itself.
  private func folder(_ line: ShellConfig.Assignment) throws(Cause) -> String? {
    let text = try literal(line)
    let parts = text.split(separator: "/").filter { $0 != "." }
    let isPlain = text.utf8.allSatisfy { $0 >= 32 && $0 != 127 }
    guard !text.hasPrefix("/"), !parts.contains(".."), isPlain else {
      throw line.place.refusal("\(line.key) leads out of the source")
    }
    return parts.isEmpty ? nil : parts.joined(separator: "/")
  }
}
