import ErlangTerm
import Events
import Posix

/// The steps of a build that rebar3 performs, in one process.
enum RebarBuild {
  struct Release {
    /// Names of the OTP releases; empty if rebar.config alone decides.
    var names: [String]
    /// The folder of Erlang, for `--include-erts`: some versions of rebar3 take the value `true` for a folder.
    var runtime: String
    var target: String

    /// One command for each release: `as` splits a list of names at its commas.
    fileprivate var commands: [[String]] {
      (names.isEmpty ? [[]] : names.map { ["-n", $0] }).map { name in
        ["release"] + name + ["--include-erts=\(runtime)", "--dev-mode=false", "-o", target]
      }
    }
  }

  /// The command for the steps, to be run in the project's folder.
  /// - Parameter release: nil for tests. `rebar3 release` also compiles, so it needs no `compile` before it.
  static func words(_ steps: [BuildStep], release: Release? = nil) -> [String] {
    let commands = steps.flatMap { step -> [[String]] in
      switch step {
      case .dependencies: [["get-deps"]]
      case .compile: release == nil ? [["compile"]] : []
      case .release: release?.commands ?? []
      default: []
      }
    }
    return ["rebar3", "as", release == nil ? "test" : "prod", "do"]
      + commands.dropLast().flatMap { $0.dropLast() + [($0.last ?? "") + ","] }
      + (commands.last ?? [])
  }

  /// The step that a line of rebar3 announces. The line is also shown in the build's output.
  static func report(_ line: String) -> BuilderReport? { step(line).map { .shown($0) } }

  static func step(_ line: String) -> BuildStep? {
    let text = line.hasPrefix("===> ") ? line.dropFirst(5) : line[...]
    if text.hasPrefix("Fetching ") || text.hasPrefix("Verifying dependencies") {
      return .dependencies
    }
    if text.hasPrefix("Compiling ") { return .compile }
    return text.hasPrefix("Assembling release") ? .release : nil
  }

  /// The releases that rebar.config declares, at its top or in the profile `prod`. A rebar.config.script may add others,
  /// which only rebar3 knows.
  static func choice(_ project: Project) throws(BuildFailure) -> ReleaseChoice {
    let bytes = try BuildFailure.reading(
      Files.read(project.folder + "/rebar.config", limit: 1 << 20))
    do throws(TermError) {
      let names = names(in: try TextFormat.consult(bytes))
      return ReleaseChoice(declared: names, implicit: ReleaseChoice.nameless, usual: nil)
    } catch {
      throw .cause(
        Cause(.buildFile, "rebar.config: \(error)", remedy: "Make it readable: rebar3 tree"))
    }
  }

  private static func names(in terms: [Term]) -> [String] {
    var names: [String] = []
    for name in releases(in: terms) + releases(in: profile(in: terms))
    where !names.contains(name) {
      names.append(name)
    }
    return names
  }

  /// `{relx, [{release, {NAME, VERSION}, APPLICATIONS} …]}`
  private static func releases(in terms: [Term]) -> [String] {
    value(of: "relx", in: terms).compactMap { term in
      guard let parts = term.tuple(tagged: "release")?.first else { return nil }
      return parts.tuple?.first?.text ?? parts.text
    }
  }

  private static func profile(in terms: [Term]) -> [Term] {
    value(of: "prod", in: value(of: "profiles", in: terms))
  }

  private static func value(of key: String, in terms: [Term]) -> [Term] {
    terms.lazy.compactMap { $0.tuple(tagged: key)?.first?.list }.first ?? []
  }
}
