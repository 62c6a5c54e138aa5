import ConfigStore
import Events
import HomeLayout
import JSONText
import Posix
import ReleaseModel

/// The programs that provide add-ons to previews and remove them again. The operator has installed them in the home, as
/// `hooks/addons/NAME/provision` and `destroy`.
struct AddOnHooks {
  let home: Home
  let app: String
  let preview: Board.Preview

  /// Milliseconds that a hook may take.
  private static let limit: Int64 = 120_000
  /// Bytes and lines that a hook may print.
  private static let longest = 1 << 16

  private var store: AddOnStore { AddOnStore(home: home, app: app) }

  /// Provides what the app.json asks for and the preview does not have yet.
  func provide(_ wanted: [AppJSON.AddOn]) throws(Cause) {
    for addon in wanted {
      let name = try check(addon)
      var all = try store.load()
      if all.addons[name]?.variables != nil { continue }
      all.addons[name] = .init(plan: addon.plan, prefix: addon.as)
      try store.save(all)
      let options = JSON.encode(addon.options ?? [:])
      let lines = try run("provision", name, all.addons[name], options)
      all.addons[name]?.variables = try variables(in: lines, of: name)
      try store.save(all)
    }
  }

  /// Removes an add-on. It is forgotten when its hook has succeeded.
  func destroy(_ name: String) throws(Cause) {
    var all = try store.load()
    guard let addon = all.addons[name] else { return }
    _ = try run("destroy", name, addon, Array("{}".utf8))
    all.addons[name] = nil
    try store.save(all)
  }

  private func check(_ addon: AppJSON.AddOn) throws(Cause) -> String {
    let name = addon.name
    let isName =
      (1...40).contains(name.utf8.count)
      && name.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
    let isTier =
      addon.tier.utf8.allSatisfy { (33...126).contains($0) } && addon.tier.utf8.count <= 80
    if !isName || !isTier || addon.as.map({ !Self.isPrefix($0) }) == true {
      throw Cause(
        .addOn, "app.json: '\(addon.plan.prefix(60))' is no plan of an add-on",
        remedy: "Write it as in postgresql or postgresql:small, and 'as' in capital letters.")
    }
    let folder = home.addOnHooks + "/" + name
    if !Files.isExecutableFile(folder + "/provision") {
      throw Cause(
        .addOn, "app.json asks for the add-on '\(name)', and '\(folder)/provision' is no program",
        remedy: "Install its hooks there, or leave it out of environments.review in app.json.")
    }
    if preview.isFork, !Files.isFile(folder + "/forks") {
      throw Cause(
        .addOn, "the add-on '\(name)' is not given to forks",
        remedy: "If code of a fork may use it: touch \(folder)/forks")
    }
    return name
  }

  private static func isPrefix(_ text: String) -> Bool {
    (65...90).contains(text.utf8.first ?? 0) && text.utf8.count <= 60
      && text.utf8.allSatisfy { (65...90).contains($0) || (48...57).contains($0) || $0 == 95 }
  }

  /// Nothing of an app gets into the arguments or a shell: names are in the environment, options on standard input.
  private func run(
    _ hook: String, _ name: String, _ addon: AddOnStore.AddOns.AddOn?, _ options: [UInt8]
  ) throws(Cause) -> [String] {
    let folder = home.addOnHooks + "/" + name
    try checkOwner(folder, hook)
    let plan = AppJSON.AddOn(plan: addon?.plan ?? name)
    let invocation = Invocation(
      [folder + "/" + hook], in: folder,
      environment: [
        "PATH": Invocation.standardPath, "HOME": "/nonexistent", "LANG": "C.UTF-8",
        "RELTUI_APP": app, "RELTUI_PARENT": preview.parent, "ADDON_NAME": name,
        "ADDON_PLAN": plan.tier, "ADDON_AS": addon?.prefix ?? "",
      ])
    let (ending, lines, error) = try start(invocation, options)
    if ending == .exit(.code(0)) { return lines }
    let why = error.isEmpty ? "" : ": \(error)"
    throw Cause(
      .addOn, "the hook \(hook) of the add-on '\(name)' \(Self.words(ending))\(why)",
      remedy: "Run it by hand with RELTUI_APP=\(app): \(folder)/\(hook)")
  }

  /// Root runs the hook, so no one else may be able to change it.
  private func checkOwner(_ folder: String, _ hook: String) throws(Cause) {
    for path in [home.hooks, home.addOnHooks, folder, folder + "/" + hook] {
      guard let info = try Cause.explaining(Files.info(path)) else { continue }
      if info.kind != .link, info.owner == User.id, info.mode & 0o022 == 0 { continue }
      throw Cause(
        .addOn, "'\(path)' is a link, belongs to another user, or can be written by others",
        remedy: "chown \(User.id) \(path); chmod go-w \(path)")
    }
  }

  private func variables(in lines: [String], of name: String) throws(Cause) -> [String: String] {
    var variables: [String: String] = [:]
    for line in lines where !line.isEmpty {
      let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, ConfigSets.isName(String(parts[0])),
        !ConfigVar.reserved.contains(String(parts[0]))
      else {
        throw Cause(
          .addOn, "the hook provision of the add-on '\(name)' printed a line that is no NAME=VALUE",
          remedy: "It may print variables alone; texts for people go to standard error.")
      }
      variables[String(parts[0])] = String(parts[1])
    }
    return variables
  }

  private static func words(_ ending: Tool.Ending) -> String {
    switch ending {
    case .exit(.code(let code)): "ended with exit code \(code)"
    case .exit(.signal(let signal)): "was ended by signal \(signal)"
    case .expired: "was ended after \(limit / 1000) s"
    case .interrupted, .cut: "was ended"
    }
  }

  private func start(_ invocation: Invocation, _ options: [UInt8]) throws(Cause) -> (
    Tool.Ending, [String], String
  ) {
    do throws(PosixError) {
      let signals = try Signals([.hup, .int, .term])
      // What it writes to standard error is kept apart: variables may be secrets, and an error is shown.
      let errors = try File.holding([])
      var (lines, bytes) = ([String](), 0)
      func isTooLong() -> Bool { bytes > Self.longest }
      let ending = try Tool(invocation: invocation, interrupts: signals).run(
        input: .file(try File.holding(options)), errors: .file(errors),
        deadline: Clock.monotonic() + Self.limit, until: isTooLong
      ) { line in
        bytes += line.utf8.count + 1
        lines.append(line)
      }
      let said = String(decoding: try errors.read(upTo: 1 << 16, at: 0), as: UTF8.self)
      let last =
        said.split(separator: "\n").last.map { line in
          String(
            String.UnicodeScalarView(line.unicodeScalars.filter { $0.value >= 32 }).prefix(300))
        } ?? ""
      return (ending, lines, last)
    } catch { throw Cause(error, as: .addOn) }
  }
}
