import Events
import Posix
import ReleaseModel

/// A step of a build. Every plan has its steps in this order.
public enum BuildStep: String, CaseIterable, Sendable {
  case check, tools, dependencies, compile, assets, release, finish
  case bootCheck = "boot-check"
  case test

  var title: String {
    switch self {
    case .check: "Checking what the source says of its build"
    case .tools: "Finding Erlang and Elixir"
    case .dependencies: "Fetching dependencies"
    case .compile: "Compiling"
    case .assets: "Building assets"
    case .release: "Assembling the release"
    case .finish: "Finishing the slug"
    case .bootCheck: "Checking that the slug boots"
    case .test: "Running the tests"
    }
  }

  /// Whether mix or rebar3 performs the step. One process performs all such steps of a build.
  var isOfBuilder: Bool { [.dependencies, .compile, .assets, .release].contains(self) }
}

/// The steps that turn a source tree into a slug or run its tests. Making a plan changes nothing. `relpack plan` prints
/// the plan, and a build performs exactly the steps of its plan, in their order.
public struct BuildPlan: Sendable {
  public enum Goal: Sendable { case slug, testCompile, test }

  public struct Step: Hashable, Sendable {
    public var step: BuildStep
    /// What the step does and why, in one line.
    public var intent: String
  }

  public let project: Project
  public let settings: BuildSettings
  public let config: BuildConfig
  public let goal: Goal
  /// Folders in which npm installs packages, relative to the project.
  let npmFolders: [String]
  let runtimeFiles: RuntimeFiles

  /// - Throws: a failure if the folder holds no project, or if its build configuration cannot be used.
  public init(source: String, settings: BuildSettings, goal: Goal = .slug) throws(BuildFailure) {
    guard Files.isFolder(source) else { throw .sourceMissing(source) }
    do throws(Cause) {
      config = try BuildConfig { name throws(Cause) in
        try Cause.explaining(Files.readIfThere(source + "/" + name, limit: 1 << 20))
      }
    } catch { throw .cause(error) }
    (self.settings, self.goal) = (settings, goal)
    project = try Project(source: source, chosen: settings.folder ?? config.releaseFolder)
    runtimeFiles = try RuntimeFiles(project)
    npmFolders = project.builder == .mix ? Self.npmFolders(in: project, config) : []
  }

  /// Looks in `assets`, as in Phoenix, in the `assets` of an umbrella's children and in the configured folder.
  private static func npmFolders(in project: Project, _ config: BuildConfig) -> [String] {
    let children = ((try? Files.list(project.folder + "/apps", skippingOthers: true)) ?? []).map {
      "apps/\($0)/assets"
    }
    let named = [config.phoenixFolder, config.assetsFolder].compactMap { $0 }
    let places = ["assets"] + children + (named.isEmpty ? [] : [named.joined(separator: "/")])
    var seen: Set<String> = []
    return places.filter {
      Manifest.isInside($0) && seen.insert($0).inserted
        && Files.isFile("\(project.folder)/\($0)/package.json")
    }
  }

  public var steps: [Step] {
    BuildStep.allCases.compactMap { step in intent(of: step).map { Step(step: step, intent: $0) } }
  }

  func has(_ step: BuildStep) -> Bool { intent(of: step) != nil }

  var builderSteps: [BuildStep] { steps.map(\.step).filter(\.isOfBuilder) }

  /// Nil for a step that is not in the plan.
  private func intent(of step: BuildStep) -> String? {
    let isSlug = goal == .slug
    switch step {
    case .check: return "read Procfile, app.json and what configures the build"
    case .tools: return "find \(tools)"
    case .dependencies: return goal == .test ? nil : hook(.preFetchDependencies) + fetching
    case .compile: return goal == .test ? nil : compiling
    case .assets: return isSlug && isMix ? assets : nil
    case .release: return isSlug ? assembling : nil
    case .finish:
      return isSlug
        ? "take cookies out\(debugInfo), describe every file, look for values of config vars" : nil
    case .bootCheck: return isSlug && settings.bootCheck != .off ? booting : nil
    case .test: return goal == .test ? testCommand : nil
    }
  }

  private var isMix: Bool { project.builder == .mix }

  private var profile: String { goal == .slug ? "prod" : "test" }

  private var tools: String {
    let wanted = [
      config.erlang.map { "Erlang \($0.text) (\($0.place))" },
      config.elixir.map { "Elixir \($0.text) (\($0.place))" },
    ]
    .compactMap { $0 }
    if !wanted.isEmpty { return wanted.joined(separator: " and ") }
    return "Erlang and \(isMix ? "Elixir" : "rebar3"); the project names no version"
  }

  private var fetching: String {
    isMix
      ? "mix deps.get --only \(settings.environment), if mix.exs or mix.lock names any"
      : "rebar3 as \(profile) get-deps"
  }

  private var compiling: String {
    let usual = isMix ? "mix compile" : "rebar3 as \(profile) compile"
    let command = config.hooks[.compile] == nil ? usual : "the hook hook_compile"
    return hook(.preCompile) + command
      + (config.hooks[.postCompile] == nil ? "" : ", then the hook hook_post_compile")
  }

  /// Only mix itself can tell whether the project has the alias.
  private var assets: String {
    var parts = npmFolders.map { "npm in \($0)" }
    if let script = config.assetsScript { parts.append("the script \(script)") }
    return (parts + ["mix assets.deploy, if the project has it"]).joined(separator: ", then ")
  }

  private var assembling: String {
    let command = isMix ? "mix release --overwrite" : "rebar3 as prod release"
    if !settings.releases.isEmpty {
      return "\(command) of \(settings.releases.joined(separator: ", ")), as a config var says"
    }
    if !runtimeFiles.started.isEmpty {
      return "\(command) of what Procfile starts: \(runtimeFiles.started.joined(separator: ", "))"
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

  private var booting: String {
    let mode = settings.bootCheck
    let values = mode == .real ? "the real config vars" : "placeholders for config vars"
    let network = mode == .network ? " in the host's network" : ""
    let verdict = mode == .fail ? "refuse it" : "warn"
    return "boot the slug with \(values)\(network) and \(verdict) if it does not start"
  }

  /// For `sh -c`.
  var testCommand: String {
    isMix ? "exec mix test \(config.testArguments?.text ?? "")" : "exec rebar3 do eunit, ct"
  }

  private func hook(_ hook: BuildConfig.Hook) -> String {
    config.hooks[hook] == nil ? "" : "the hook \(hook.rawValue), then "
  }

  public var lines: [String] {
    let width = (steps.map(\.step.rawValue.count).max() ?? 0) + 2
    return steps.map { step in
      let name = step.step.rawValue
      return name + String(repeating: " ", count: width - name.count) + step.intent
    }
  }
}
