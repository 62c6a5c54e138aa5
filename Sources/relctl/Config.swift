import CommandLine
import ConfigStore
import Deployment
import Events
import Operations
import Posix
import Redaction

extension Command {
  static let config = Command(
    CommandSyntax(
      "config", "APP [set K=V…|set K|unset K…]", count: 1...100,
      "show or change an app's config vars",
      details: """
        Only names are shown. `set KEY` alone reads the value from standard input and marks it secret:
        however short it is, from 4 bytes on, it is masked wherever it would appear.
        Each change makes a new release, which is deployed like any other.

        With --build they are those of the app's builds, not of its runs: relctl deploy APP DIR hands
        them to the build as ENV_DIR does on a platform. No release is made.

        With --preview they are those that each preview of the app gets when it is opened or updated. A
        preview of a fork gets none that is marked secret or looks like a secret. The value of another
        app's secret is refused, so that no preview empties a database that is in use.
        """,
      options: [
        Option("--preview", "the variables of the app's previews"),
        Option("--build", "the variables of the app's builds"), .detach, .json,
      ])
  ) { call throws(Cause) in
    let name = try call.target().app
    let words = call.arguments.positional.dropFirst()
    let isForBuilds = call.arguments.has("--build")
    let isForPreviews = call.arguments.has("--preview")
    if isForBuilds, isForPreviews {
      throw Cause(
        .usage, "--build and --preview exclude each other", remedy: "Change one after the other.")
    }
    guard let verb = words.first else {
      return call.list(
        isForBuilds
          ? try SavedBuildVariables(home: call.home(), app: name).load()
          : try call.config(of: try call.app(name), forPreviews: isForPreviews))
    }
    var change = ConfigChange(reserved: isForBuilds ? [] : ConfigVar.reserved)
    switch verb {
    case "set": try change.set(words.dropFirst(), call)
    case "unset": try change.unset(words.dropFirst())
    default:
      throw Cause(.usage, "'\(verb)' is neither set nor unset", remedy: "See: relctl config --help")
    }
    return isForBuilds
      ? try call.change(buildConfig: name, by: change)
      : try call.change(config: name, forPreviews: isForPreviews, by: change)
  }
}

private struct ConfigChange {
  let reserved: Set<String>
  private(set) var set = ConfigSet()
  private(set) var unset: [String] = []

  mutating func set(_ words: ArraySlice<String>, _ call: CommandCall) throws(Cause) {
    for word in words {
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      try ConfigSets.check(name: name, reserved: reserved)
      if parts.count == 2 {
        set.set(name, to: String(parts[1]))
      } else if words.count == 1 {
        set.set(name, to: try standardInput(for: name, call), isSecret: true)
      } else {
        throw Cause(
          .usage, "'\(name)' has no value", remedy: "Write it as NAME=VALUE, or set it alone.")
      }
    }
    if set.values.isEmpty {
      throw Cause(.usage, "nothing to set", remedy: "Write it as in: set NAME=VALUE")
    }
  }

  /// - Parameter app: the app's name, for the error if a variable to remove does not exist.
  func applied(to old: ConfigSet, of app: String) throws(Cause) -> ConfigSet {
    if let unknown = unset.first(where: { old.values[$0] == nil }) {
      throw Cause(
        .configName, "'\(app)' has no config var '\(unknown)'",
        remedy: "See them with: relctl config \(app)")
    }
    var new = old
    for (name, value) in set.values {
      new.set(name, to: value, isSecret: set.secret.contains(name))
    }
    for name in unset { new.remove(name) }
    if reserved == ConfigVar.reserved { try ConfigSets.check(sizes: new) }
    return new
  }

  mutating func unset(_ words: ArraySlice<String>) throws(Cause) {
    unset = Array(words)
    if unset.isEmpty {
      throw Cause(.usage, "nothing to unset", remedy: "Write it as in: unset NAME")
    }
  }

  /// Reads the value. One newline at the end is dropped: it ends the operator's input and is not part of the value.
  private func standardInput(for name: String, _ call: CommandCall) throws(Cause) -> String {
    if TerminalSize.of(0) != nil {
      call.context.note("relctl: type the value of \(name), then a new line and Ctrl-D")
    }
    let value: String
    do throws(PosixError) {
      let file = File(owning: Descriptor.copy(of: 0), name: "standard input")
      var bytes = try file.readToEnd(limit: 1 << 20)
      if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
      value = String(decoding: bytes, as: UTF8.self)
    } catch { throw Cause(error) }
    if value.isEmpty {
      throw Cause(
        .usage, "standard input has no value for '\(name)'",
        remedy: "If it is to be empty, say so: set \(name)=")
    }
    return value
  }
}

extension CommandCall {
  fileprivate func list(_ set: ConfigSet) -> Outcome {
    let names = set.values.keys.sorted()
    if wantsJSON {
      print(json: names)
    } else {
      for name in names { context.print(name) }
    }
    return .success
  }

  /// The config vars that the app's next release starts from; empty for a new app.
  /// - Parameter forPreviews: whether those of the app's previews are meant.
  func config(of app: Board.App?, forPreviews: Bool = false) throws(Cause) -> ConfigSet {
    guard let app, let digest = forPreviews ? app.previewConfig : app.config else {
      return ConfigSet()
    }
    return try ConfigSets(home: home(), app: app.name).load(digest)
  }

  fileprivate func change(buildConfig name: String, by change: ConfigChange) throws(Cause)
    -> Outcome
  {
    try SavedBuildVariables(home: home(), app: name).change { old throws(Cause) in
      try change.applied(to: old, of: name)
    }
    if !wantsJSON { context.print("       the next build of \(name) uses the new variables") }
    return .success
  }

  fileprivate func change(
    config name: String, forPreviews: Bool, by change: ConfigChange
  ) throws(Cause) -> Outcome {
    // Another change may come first; this one is then made on top of it.
    for _ in 0..<100 {
      let board = try board()
      let app = board.apps[name]
      if forPreviews { _ = try Self.app(name, on: board) }
      let old = try config(of: app, forPreviews: forPreviews)
      let new = try change.applied(to: old, of: name)
      if forPreviews || app?.preview != nil {
        try SecretOwners(home: home(), board: board).check(new)
      }
      if new == old {
        context.note("relctl: nothing to change: the config vars have these values already")
        return .success
      }
      let digest = try ConfigSets(home: home(), app: name).save(new)
      let step = ConfigStep(
        to: digest, from: forPreviews ? app?.previewConfig : app?.config,
        set: Array(change.set.values.keys), unset: change.unset)
      do throws(Cause) {
        return forPreviews
          ? try request(ChangePreviewConfig(app: name, step))
          : try request(ChangeConfig(app: name, step))
      } catch {
        guard error.id == ProblemID.configConflict.rawValue else { throw error }
        if !wantsJSON {
          context.print("       the config vars have changed meanwhile; trying again")
        }
      }
    }
    throw Refusal.configChanged(app: name).cause
  }
}
