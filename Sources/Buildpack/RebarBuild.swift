import ErlangTerm
import Events
import Posix

/// The part of a build that rebar3 does, as one process.
enum RebarBuild {
  /// What is run in the project's folder: one command for each release, for `as` takes a list of names apart at its
  /// commas. The runtime is named by its folder: `true` is taken for one by some versions.
  /// - Parameters:
  ///   - releases: names of the OTP releases; empty where rebar.config alone says.
  ///   - runtime: the folder of Erlang.
  ///   - target: a folder; rebar3 puts each release into one of its name.
  static func words(releases: [String], runtime: String, target: String) -> [String] {
    let names = releases.isEmpty ? [[]] : releases.map { ["-n", $0] }
    let commands =
      [["get-deps"]]
      + names.map { name in
        ["release"] + name + ["--include-erts=\(runtime)", "--dev-mode=false", "-o", target]
      }
    return ["rebar3", "as", "prod", "do"]
      + commands.dropLast().flatMap { $0.dropLast() + [($0.last ?? "") + ","] }
      + (commands.last ?? [])
  }

  static let testWords = ["rebar3", "as", "test", "do", "get-deps,", "compile"]

  /// The steps as rebar3's own lines tell them; all its lines are for people too.
  static func report(_ line: String) -> BuilderReport? { step(line).map { .shown($0) } }

  static func step(_ line: String) -> BuildStep? {
    let text = line.hasPrefix("===> ") ? line.dropFirst(5) : line[...]
    if text.hasPrefix("Fetching ") || text.hasPrefix("Verifying dependencies") {
      return .dependencies
    }
    if text.hasPrefix("Compiling ") { return .compile }
    return text.hasPrefix("Assembling release") ? .release : nil
  }

  /// The releases that rebar.config declares, at its top or for the profile `prod`; where a script adds to it nobody
  /// can tell.
  static func choice(_ project: Project) throws(BuildFailure) -> ReleaseChoice {
    let bytes: [UInt8]
    do throws(PosixError) {
      bytes = try Files.read(project.folder + "/rebar.config", limit: 1 << 20)
    } catch { throw .unreadable(error) }
    do throws(TermError) {
      let names = names(in: try TextFormat.consult(bytes))
      return ReleaseChoice(declared: names, implicit: ReleaseChoice.nameless, usual: nil)
    } catch {
      throw .file(
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
