import Posix
import ReleaseModel
import TestSupport
import Testing

@testable import Buildpack

/// Decisions by config vars, folders and lock files before any tool runs.
@Suite struct BuildSettingsTests {
  static let refused: [(config: [String: String], name: String, allowed: String)] = [
    (["RELPACK_BOOT_CHECK": "maybe"], "RELPACK_BOOT_CHECK", "off, warn, fail, network, real"),
    (["RELPACK_CACHE": "yes"], "RELPACK_CACHE", "on, off"),
    (["RELPACK_DEBUG_INFO": "STRIP"], "RELPACK_DEBUG_INFO", "strip, keep, encrypt"),
    (
      ["RELPACK_DEBUG_INFO": "encrypt", "RELPACK_DEBUG_INFO_KEY": " \n"], "RELPACK_DEBUG_INFO",
      "strip, keep, or encrypt with RELPACK_DEBUG_INFO_KEY"
    ),
    (["RELPACK_TIME_LIMIT": "0"], "RELPACK_TIME_LIMIT", "minutes, 1 to 1440"),
    (["RELPACK_TIME_LIMIT": "1441"], "RELPACK_TIME_LIMIT", "minutes, 1 to 1440"),
    (["RELPACK_TIME_LIMIT": "15m"], "RELPACK_TIME_LIMIT", "minutes, 1 to 1440"),
    (
      ["RELPACK_TIME_LIMIT": "99999999999999999999"], "RELPACK_TIME_LIMIT", "minutes, 1 to 1440"
    ),
    (["RELPACK_RECORD": "log"], "RELPACK_RECORD", "slug"),
  ]

  @Test(arguments: refused)
  func refusesWhatASettingCannotBe(_ config: [String: String], _ name: String, _ allowed: String) {
    #expect(throws: BuildFailure.config(name, allowed: allowed)) {
      try BuildSettings(config: config, stack: nil)
    }
  }

  @Test func theOldNameOfTheBootCheckCountsIfTheNewOneIsNotSet() throws {
    let old = ["RELPACK_REHEARSAL": "fail"]
    #expect(try BuildSettings(config: old, stack: nil).bootCheck == .fail)
    #expect(BuildSettings.warnings(old) == [] && BuildSettings.names.contains("RELPACK_REHEARSAL"))
    let both = old.merging(["RELPACK_BOOT_CHECK": "off"]) { $1 }
    #expect(try BuildSettings(config: both, stack: nil).bootCheck == .off)
    #expect(
      throws: BuildFailure.config("RELPACK_REHEARSAL", allowed: "off, warn, fail, network, real")
    ) {
      try BuildSettings(config: ["RELPACK_REHEARSAL": "maybe"], stack: nil)
    }
  }

  @Test func takesValuesWithTheNewlinesThatShellsLeave() throws {
    let settings = try BuildSettings(
      config: [
        "RELEASE_NAME": " a, b\n", "MIX_ENV": "staging\n", "RELPACK_BOOT_CHECK": "fail\n",
        "RELPACK_TIME_LIMIT": "2\n", "RELPACK_RECORD": "slug\n", "RELPACK_CACHE": "off",
      ], stack: "heroku-24")
    #expect(settings.releases == ["a", "b"] && settings.environment == "staging")
    #expect(settings.bootCheck == .fail && settings.timeLimit == 120_000)
    #expect(settings.recordTravels && !settings.usesCache)
  }

  @Test(arguments: [("heroku-24", 900_000), ("cedar", nil), (nil, nil)] as [(String?, Int64?)])
  func knowsThePlatformsLimit(_ stack: String?, _ limit: Int64?) throws {
    let settings = try BuildSettings(config: ["RELEASE_NAME": " "], stack: stack)
    #expect(settings.timeLimit == limit && settings.releases == [])
    #expect(settings.environment == "prod" && settings.debugInfo == .strip)
  }

  // MARK: - Which release

  struct Choice: Sendable, CustomTestStringConvertible {
    var declared: [String] = []
    var implicit: String?
    var usual: String?
    var chosen: [String] = []
    var procfile = ""
    var picked: [String]?
    var failure: BuildFailure?
    var testDescription: String {
      "\(declared) \(implicit ?? "-") \(usual ?? "-") \(chosen) '\(procfile)'"
    }
  }

  static let choices = [
    Choice(implicit: "a", picked: ["."]),
    Choice(implicit: "a", chosen: ["a"], picked: ["."]),
    Choice(implicit: "a", chosen: ["all"], picked: ["."]),
    Choice(failure: .releaseMissing(.mix)),
    Choice(declared: ["a"], implicit: "x", picked: ["a"]),
    Choice(declared: ["a", "b"], failure: .releaseAmbiguous(names: ["a", "b"])),
    Choice(declared: ["a", "b"], usual: "b", picked: ["b"]),
    Choice(declared: ["a", "b"], usual: "gone", failure: .releaseAmbiguous(names: ["a", "b"])),
    Choice(declared: ["a", "b"], usual: "b", chosen: ["a"], picked: ["a"]),
    Choice(declared: ["a", "b"], chosen: ["b", "a", "b"], picked: ["b", "a"]),
    Choice(declared: ["a", "b"], chosen: ["all"], picked: ["a", "b"]),
    Choice(declared: ["a", "b"], chosen: ["c"], failure: .releaseUnknown("c", names: ["a", "b"])),
    Choice(declared: ["a", "b"], usual: "a", procfile: "web: bin/b start", picked: ["b"]),
    Choice(
      declared: ["a", "b"],
      procfile: "web: PORT=1 ./bin/b start\nworker: sh -c 'bin/a start && bin/b stop'\n",
      picked: ["b", "a"]),
    Choice(
      declared: ["a", "b"], procfile: "web: bin/server\nx: /bin/a\ny: bin/../a\n",
      failure: .releaseAmbiguous(names: ["a", "b"])),
  ]

  @Test(arguments: choices) func picksReleases(_ item: Choice) throws {
    let choice = ReleaseChoice(
      declared: item.declared, implicit: item.implicit, usual: item.usual)
    let started = ReleaseChoice.started(by: try Procfile(text: item.procfile).entries)
    do throws(BuildFailure) {
      #expect(try choice.pick(chosen: item.chosen, started: started) == item.picked)
    } catch { #expect(error == item.failure) }
  }

  static let relx: [(config: String, names: [String])] = [
    ("{relx, [{release, {a, \"1\"}, [a]}]}.", ["a"]),
    (
      "{relx, [{release, {a, git}, [a]}, {release, {'B c', \"1\"}, [b]}, {mode, prod}]}.",
      ["a", "B c"]
    ),
    (
      "{relx, [{release, {a, \"1\"}, [a]}]}.\n{profiles, [{prod, [{relx, [{release, {a, \"1\"}, [a, b]},"
        + " {release, {c, \"1\"}, [c]}]}]}]}.", ["a", "c"]
    ),
    ("{erl_opts, []}.", []),
    ("", []),
  ]

  @Test(arguments: relx) func readsRelx(_ config: String, _ names: [String]) throws {
    let folder = try TemporaryFolder("relx", inMemory: true)
    try folder.write("rebar.config", config)
    let choice = try RebarBuild.choice(try Project(source: folder.path))
    #expect(choice.declared == names && choice.implicit == ".")
  }

  // MARK: - Where the project is

  static let places: [(files: [String], chosen: String?, found: [String])] = [
    (["mix.exs", "apps/a/mix.exs"], nil, [":mix"]),
    (["mix.exs", "rebar.config"], nil, [":mix"]),
    (["rebar.config", "apps/a/rebar.config"], nil, [":rebar3"]),
    (["backend/mix.exs", "frontend/package.json"], nil, ["backend:mix"]),
    (["services/api/mix.exs"], nil, ["services/api:mix"]),
    (["backend/mix.exs", "libs/shared/mix.exs"], nil, ["backend:mix"]),
    (["a/mix.exs", "b/rebar.config"], nil, ["a", "b"]),
    (["a/mix.exs", "b/rebar.config"], "b", ["b:rebar3"]),
    (["a/mix.exs"], "./a/", ["a:mix"]),
    (["mix.exs", "a/mix.exs"], ".", [":mix"]),
    (["deps/x/mix.exs", "node_modules/y/mix.exs", ".git/mix.exs"], nil, []),
    (["one/two/three/mix.exs"], nil, []),
    (["one/two/three/mix.exs"], "one/two/three", ["one/two/three:mix"]),
    (["mix.exs"], "../x", []),
    (["mix.exs"], "lib", []),
    (["mix.exs/file"], nil, []),
    ([], nil, []),
  ]

  @Test(arguments: places)
  func findsTheProject(_ files: [String], _ chosen: String?, _ found: [String]) throws {
    let folder = try TemporaryFolder("places", inMemory: true)
    for file in files { try folder.write(file, "") }
    do throws(BuildFailure) {
      let project = try Project(source: folder.path, chosen: chosen)
      #expect(["\(project.place):\(project.builder)"] == found)
    } catch {
      switch error {
      case .severalProjects(let places): #expect(places == found)
      case .unsupported(_, let name): #expect(found == [] && name == chosen)
      default: Issue.record(error)
      }
    }
    if chosen == nil { #expect((Project.detect(folder.path) == nil) == found.isEmpty) }
  }

  // MARK: - ENV_DIR

  @Test func takesConfigVarsAsTheyAreAndNothingElse() throws {
    let folder = try TemporaryFolder("env", inMemory: true)
    try Canary.write(to: folder.path + "/env")
    let config = try ConfigFolder(folder.path + "/env")
    let expected = Canary.values.filter { $0.key != "CANARY_BIG" }
    #expect(config.values == expected)
    #expect(
      config.warnings.sorted() == [
        "the config var CANARY_BIG is left out of the build: "
          + "it is longer than a program's environment may be, 128 KiB",
        "the config var CANARY_BYTES is left out of the build: it is not UTF-8",
      ])
    #expect(try ConfigFolder(folder.path + "/none").values == [:])
    #expect(try ConfigFolder(nil).values == [:])
  }
}
