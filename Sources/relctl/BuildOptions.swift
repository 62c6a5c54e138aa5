import Buildpack
import CommandLine
import ConfigStore
import Events
import Posix
import Redaction

extension Option {
  static let buildVariables = [
    Option(
      "--env", value: "NAME[=VALUE]",
      "a variable for the build; NAME alone takes its value from this environment"),
    Option("--env-file", value: "FILE", "variables for the build, a NAME=VALUE a line"),
  ]
}

extension CommandCall {
  /// The variables for a build, in order of precedence: `--env`, `--env-file`, the app's saved ones, this environment.
  func buildVariables(app: String?) throws(Cause) -> BuildVariables {
    var variables = BuildVariables(inherited: context.environment)
    if let app { variables.take(try SavedBuildVariables(home: home(), app: app).load()) }
    for file in arguments.allValues["--env-file"] ?? [] {
      variables.take(ConfigSet(try values(inFile: file)))
    }
    for word in arguments.allValues["--env"] ?? [] {
      let (name, value) = try variable(word)
      variables.take(ConfigSet([name: value]))
    }
    return variables
  }

  private func variable(_ word: String) throws(Cause) -> (String, String) {
    let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts[0])
    try ConfigSets.check(name: name)
    guard let value = parts.count == 2 ? String(parts[1]) : context.environment[name] else {
      throw Cause(
        .usage, "'\(name)' is not set in this environment",
        remedy: "Set it there; or write --env \(name)=VALUE for what is not secret.")
    }
    return (name, value)
  }

  private func values(inFile file: String) throws(Cause) -> [String: String] {
    let path = context.absolute(file)
    guard Files.isFile(path) else {
      throw Cause(.sourceMissing, "cannot read '\(file)': there is no such file")
    }
    let bytes = try Cause.explaining(Files.read(path, limit: EnvironmentFile.greatestSize))
    return try EnvironmentFile.values(in: bytes, called: file)
  }

  /// - Throws: a usage error if variables are given for something that is not built.
  func refuseBuildVariables(for name: String) throws(Cause) {
    let options = Option.buildVariables.map(\.name)
    if let option = options.first(where: { arguments.allValues[$0] != nil }) {
      throw Cause(
        .usage, "'\(option)' has no use: '\(name)' is not built, but taken as it is",
        remedy: "Config vars for its runs are set with: relctl config APP set NAME=VALUE")
    }
  }
}
