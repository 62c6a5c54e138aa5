import Events
import HomeLayout
import Posix
import ReleaseModel

/// A part of a build, in the order in which they come.
public enum BuildStep: String, CaseIterable, Sendable {
  case check, tools, dependencies, compile, assets, release, finish, rehearse
  /// In place of all from `assets` on, where tests are run.
  case test

  /// What the output calls its beginning.
  var title: String {
    switch self {
    case .check: "Checking what the source says of its build"
    case .tools: "Finding Erlang and Elixir"
    case .dependencies: "Fetching dependencies"
    case .compile: "Compiling"
    case .assets: "Building assets"
    case .release: "Assembling the release"
    case .finish: "Finishing the slug"
    case .rehearse: "Rehearsing the boot"
    case .test: "Running the tests"
    }
  }
}

/// What will be done to a source tree, and why. Making one changes nothing.
public struct BuildPlan: Sendable {
  public struct Step: Hashable, Sendable {
    public var step: BuildStep
    public var intent: String

    init(_ step: BuildStep, _ intent: String) {
      self.step = step
      self.intent = intent
    }
  }

  public let project: Project
  public let settings: BuildSettings
  public let wishes: BuildWishes
  /// Folders with npm packages to be installed, relative to the project.
  let npmFolders: [String]
  let kept: KeptFiles

  /// - Throws: where the folder holds nothing that can be built, or what it says of its build cannot be used.
  public init(source: String, settings: BuildSettings) throws(BuildFailure) {
    guard Files.isFolder(source) else { throw .sourceMissing(source) }
    do throws(Cause) {
      wishes = try BuildWishes { name throws(Cause) in
        do throws(PosixError) {
          return try Files.readIfThere(source + "/" + name, limit: 1 << 20)
        } catch { throw Cause(error) }
      }
    } catch { throw .file(error) }
    self.settings = settings
    project = try Project(source: source, chosen: settings.folder ?? wishes.releaseFolder)
    kept = try KeptFiles(project)
    npmFolders = project.builder == .mix ? Self.npmFolders(in: project, wishes) : []
  }

  /// Phoenix has them in `assets`, an umbrella in its children's.
  private static func npmFolders(in project: Project, _ wishes: BuildWishes) -> [String] {
    let children = ((try? Files.list(project.folder + "/apps", skippingOthers: true)) ?? []).map {
      "apps/\($0)/assets"
    }
    let named = [wishes.phoenixFolder, wishes.assetsFolder].compactMap { $0 }
    let places = ["assets"] + children + (named.isEmpty ? [] : [named.joined(separator: "/")])
    var seen: Set<String> = []
    return places.filter {
      Manifest.isInside($0) && seen.insert($0).inserted
        && Files.isFile("\(project.folder)/\($0)/package.json")
    }
  }

  /// A line a step: what is done, and why.
  public var steps: [Step] {
    var steps = [
      Step(.check, "read Procfile, app.json and what configures the build"),
      Step(.tools, "find \(tools)"),
      Step(.dependencies, hook(.preFetchDependencies) + fetching),
      Step(.compile, compiling),
    ]
    if let assets { steps.append(Step(.assets, assets)) }
    steps.append(Step(.release, assembling))
    steps.append(
      Step(
        .finish,
        "take cookies out\(debugInfo), describe every file, look for values of config vars"))
    if settings.rehearsal != .off { steps.append(Step(.rehearse, rehearsing)) }
    return steps
  }

  private var isMix: Bool { project.builder == .mix }

  private var tools: String {
    let wanted = [
      wishes.erlang.map { "Erlang \($0.text) (\($0.place))" },
      wishes.elixir.map { "Elixir \($0.text) (\($0.place))" },
    ]
    .compactMap { $0 }
    if !wanted.isEmpty { return wanted.joined(separator: " and ") }
    return isMix
      ? "Erlang and Elixir; no version is asked for" : "Erlang and rebar3; no version is asked for"
  }

  private var fetching: String {
    isMix
      ? "mix deps.get --only \(settings.environment), if mix.exs or mix.lock names any"
      : "rebar3 as prod get-deps"
  }

  private var compiling: String {
    let usual = isMix ? "mix compile" : "rebar3 as prod compile"
    let command = wishes.hooks[.compile] == nil ? usual : "the hook hook_compile"
    return hook(.preCompile) + command
      + (wishes.hooks[.postCompile] == nil ? "" : ", then the hook hook_post_compile")
  }

  private var assets: String? {
    var parts = npmFolders.map { "npm in \($0)" }
    if let script = wishes.assetsScript { parts.append("the script \(script)") }
    if Self.mentionsDeploy(project.folder) { parts.append("mix assets.deploy") }
    return parts.isEmpty ? nil : parts.joined(separator: ", then ")
  }

  /// The alias's name in a mix.exs; mix itself says in the build whether it is one.
  private static func mentionsDeploy(_ folder: String) -> Bool {
    let children = ((try? Files.list(folder + "/apps", skippingOthers: true)) ?? []).map {
      "\(folder)/apps/\($0)/mix.exs"
    }
    return ([folder + "/mix.exs"] + children).contains { path in
      let text = (try? Files.readIfThere(path, limit: 1 << 20))?.map {
        String(decoding: $0, as: UTF8.self)
      }
      return text?.contains("assets.deploy") == true
    }
  }

  private var assembling: String {
    let command = isMix ? "mix release --overwrite" : "rebar3 as prod release"
    if !settings.releases.isEmpty {
      return "\(command) of \(settings.releases.joined(separator: ", ")), as a config var says"
    }
    if !kept.started.isEmpty {
      return "\(command) of what Procfile starts: \(kept.started.joined(separator: ", "))"
    }
    return "\(command) of the only release, or the default one"
  }

  private var debugInfo: String {
    switch settings.debugInfo {
    case .strip: ", strip debug information"
    case .keep: ", keep debug information"
    case .encrypt: ", keep debug information encrypted"
    }
  }

  private var rehearsing: String {
    switch settings.rehearsal {
    case .real: "boot the slug with the real config vars and warn if it does not start"
    case .fail: "boot the slug with stand-ins for config vars and refuse it if it does not start"
    case .network:
      "boot the slug with stand-ins for config vars in the host's network and warn if it does not start"
    case .warn, .off: "boot the slug with stand-ins for config vars and warn if it does not start"
    }
  }

  private func hook(_ hook: BuildWishes.Hook) -> String {
    wishes.hooks[hook] == nil ? "" : "the hook \(hook.rawValue), then "
  }

  /// One line a step.
  public var lines: [String] {
    let width = (steps.map(\.step.rawValue.count).max() ?? 0) + 2
    return steps.map { step in
      let name = step.step.rawValue
      return name + String(repeating: " ", count: width - name.count) + step.intent
    }
  }
}
