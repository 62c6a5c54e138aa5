import Posix

extension BuildFailureTests {
  /// Faults in files beside the code.
  static let files = [
    Case(
      testDescription: "Procfile",
      change: { try rewrite($0 + "/Procfile", "web: bin/sprout start\nworker\n") },
      problem: "Procfile:2: there is no ':' between process type and command",
      id: "RT-PROCFILE-FORMAT",
      remedy: "Write one process type a line, such as: web: bin/myapp start"),
    Case(
      testDescription: "app.json", change: { try rewrite($0 + "/app.json", "{]") },
      problem: "app.json: that is not JSON", id: "RT-APPJSON-FORMAT",
      remedy: "Compare it with Heroku's app.json schema."),
    Case(
      testDescription: "a link out of the source",
      change: { try Files.symbolicLink(to: "/etc/passwd", at: $0 + "/Procfile") },
      problem: "'Procfile' is a link that leads out of the source", id: "RT-SLUG-CONTENT",
      remedy: "Put the file itself there."),
    Case(
      testDescription: "a command in a file that is read",
      change: { try rewrite($0 + "/elixir_buildpack.config", "\nif true; then x=1; fi\n") },
      problem: "elixir_buildpack.config:2: it is not KEY=VALUE: this file is read, not run",
      id: "RT-BUILD-FILE", remedy: "Write the values themselves. A command can be a hook."),
    Case(
      testDescription: "a file that cannot be read",
      change: {
        try rewrite($0 + "/.tool-versions", "")
        try Files.setMode($0 + "/.tool-versions", 0)
      }, problem: "cannot read 'SOURCE/.tool-versions': permission denied", id: "RT-SYSTEM"),
    Case(
      testDescription: "a folder that cannot be read",
      change: {
        try Files.makeFolder($0 + "/closed")
        try Files.setMode($0 + "/closed", 0)
      }, problem: "cannot list 'SOURCE/closed': permission denied", id: "RT-SYSTEM"),
    Case(
      testDescription: "a source that cannot be written", isSealed: true,
      problem: "cannot make folder 'SOURCE/.relpack-", id: "RT-BUILD-UNWRITABLE",
      remedy: "Give the build's user write access to the folder.", hasReport: false),
  ]

  /// Missing or impossible choices.
  static let choices = [
    Case(
      testDescription: "a value that is not allowed", config: ["RELPACK_DEBUG_INFO": "some"],
      problem: "the config var RELPACK_DEBUG_INFO has a value that is not allowed",
      id: "RT-BUILD-CONFIG", remedy: "Remove RELPACK_DEBUG_INFO, or set it to: strip, keep, encrypt"
    ),
    Case(
      testDescription: "several releases", project: "orchard",
      problem: "the project has several releases and none is chosen: apple, pear",
      id: "RT-BUILD-RELEASE-AMBIGUOUS",
      remedy: "Set the config var, as in: RELPACK_RELEASES=apple (all builds all)"),
    Case(
      testDescription: "unknown release", project: "orchard", config: ["RELEASE_NAME": "plum"],
      problem: "the project has no release 'plum'; it has apple, pear",
      id: "RT-BUILD-RELEASE-UNKNOWN",
      remedy: "Set the config var RELPACK_RELEASES to one of them, or to: all"),
    Case(
      testDescription: "unknown release of rebar3", project: "pebble",
      config: ["RELEASE_NAME": "plum"],
      problem: "the project has no release 'plum'; it has pebble", id: "RT-BUILD-RELEASE-UNKNOWN",
      remedy: "Set the config var RELPACK_RELEASES to one of them, or to: all"),
    Case(
      testDescription: "a process type that starts mix",
      change: { try rewrite($0 + "/Procfile", "web: cd . && MIX_ENV=prod mix phx.server\n") },
      problem: "Procfile: web starts 'mix', which no slug has", id: "RT-BUILD-PROCESS",
      remedy: "Write instead: web: env PHX_SERVER=true bin/sprout start"),
    Case(
      testDescription: "a release phase that starts mix", project: "burrow",
      change: { try rewrite($0 + "/Procfile", "release: mix ecto.migrate\nweb: bin/server\n") },
      problem: "Procfile: release starts 'mix', which no slug has", id: "RT-BUILD-PROCESS",
      remedy: "Write instead: release: bin/migrate"),
    Case(
      testDescription: "a process type that starts rebar3", project: "pebble",
      change: { try rewrite($0 + "/Procfile", "web: rebar3 shell\n") },
      problem: "Procfile: web starts 'rebar3', which no slug has", id: "RT-BUILD-PROCESS",
      remedy: "Write instead: web: bin/pebble foreground"),
    Case(
      testDescription: "a process type that starts a release that there is not",
      change: { try rewrite($0 + "/Procfile", "web: bin/sprouts start\n") },
      problem: "Procfile: web starts 'bin/sprouts', and the project's only release is sprout",
      id: "RT-BUILD-PROCESS", remedy: "Write instead: web: bin/sprout start"),
    Case(
      testDescription: "a process type that starts none of several releases", project: "orchard",
      change: { try rewrite($0 + "/Procfile", "web: bin/plum start\n") },
      problem: "Procfile: web starts 'bin/plum', and the project's releases are apple, pear",
      id: "RT-BUILD-PROCESS", remedy: "Write instead: web: bin/apple start"),
    Case(
      testDescription: "umbrella without a release", project: "grove",
      change: { try replace(in: $0 + "/mix.exs", "releases: [", "unknown: [") },
      problem: "the umbrella project declares no release", id: "RT-BUILD-RELEASE-AMBIGUOUS",
      remedy: "Add one in mix.exs, as in: releases: [NAME: [applications: [APP: :permanent]]]"),
    Case(
      testDescription: "several projects",
      change: {
        try Files.makeFolder($0 + "/one", mode: 0o755)
        try Files.rename($0 + "/mix.exs", to: $0 + "/one/mix.exs")
        try Files.makeFolder($0 + "/other", mode: 0o755)
        try rewrite($0 + "/other/rebar.config", "")
      }, problem: "several folders hold projects and none is chosen: one, other",
      id: "RT-SOURCE-UNKNOWN", remedy: "Set the config var, as in: RELPACK_FOLDER=one"),
    Case(
      testDescription: "a folder without a project", config: ["RELPACK_FOLDER": "lib"],
      problem: "RELPACK_FOLDER names 'lib', where the source has neither mix.exs nor rebar.config",
      id: "RT-SOURCE-UNKNOWN", remedy: "Name a folder with a mix.exs or rebar.config at its top."),
  ]

  /// Faults that mix and rebar3 find before they compile.
  static let tools = [
    Case(
      testDescription: "mix.exs that is no Elixir",
      change: { try replace(in: $0 + "/mix.exs", "def project, do: [", "def project, do: [[") },
      problem: "the project cannot be read: ** (", id: "RT-BUILD-PROJECT",
      remedy: "Make this work first: MIX_ENV=prod mix help"),
    Case(
      testDescription: "mix.exs that raises",
      change: { try rewrite($0 + "/mix.exs", "raise \"no project\"") },
      problem: "the project cannot be read: ** (RuntimeError) no project", id: "RT-BUILD-PROJECT",
      remedy: "Make this work first: MIX_ENV=prod mix help"),
    Case(
      testDescription: "a git repository that is gone", project: "cellar",
      change: { try replace(in: $0 + "/mix.exs", "remote.git", "gone.git") },
      problem: "the dependencies could not be fetched", id: "RT-BUILD-DEPENDENCIES",
      remedy: "Make this work first: MIX_ENV=prod mix deps.get --only prod",
      said: "does not appear to be a git repository"),
    Case(
      testDescription: "no Hex and no network", config: ["HEX_MIRROR": "http://127.0.0.1:9"],
      change: { try addDependency($0, "{:jason, \"~> 1.4\"}") },
      problem: "Hex or Rebar could not be installed", id: "RT-BUILD-HEX",
      remedy: "Build where the registry is reachable, or on an image that has Hex."),
    Case(
      testDescription: "a lock file that does not fit", project: "cellar",
      change: { try replace(in: $0 + "/mix.lock", "\"moss\"", "\"moor\"") },
      problem: "'mix.lock' does not fit the dependencies in mix.exs", id: "RT-BUILD-LOCK",
      remedy: "Run mix deps.get and commit mix.lock."),
    Case(
      testDescription: "rebar.config that is no Erlang", project: "pebble",
      change: { try rewrite($0 + "/rebar.config", "{deps, [}.\n") },
      problem: "rebar.config: ", id: "RT-BUILD-FILE", remedy: "Make it readable: rebar3 tree"),
  ]

  /// A project in which a change of one line does not compile.
  private static func uncompilable(
    _ description: String, project: String = "sprout", _ file: String, _ old: String,
    _ new: String, problem: String = "", said: String = ""
  ) -> Case {
    let compile = project == "pebble" ? "rebar3 as prod compile" : "MIX_ENV=prod mix compile"
    return Case(
      testDescription: description, project: project,
      change: { try replace(in: "\($0)/\(file)", old, new) },
      problem: "the application does not compile: " + problem, id: "RT-BUILD-COMPILE",
      remedy: "Make this work first: " + compile, said: said)
  }

  /// Faults in the code, the assets and the release.
  static let steps = [
    uncompilable(
      "code that is not Elixir", "lib/sprout.ex", "do: \"", "do oops( \"",
      problem: "** (SyntaxError) lib/sprout.ex:"),
    uncompilable(
      "a function that does not exist", "lib/sprout.ex", "do: \"", "do: oops() <> \"",
      said: "lib/sprout.ex:2"),
    uncompilable(
      "code that is not Erlang", project: "pebble", "src/pebble_app.erl", "ok.", "ok}.",
      said: "syntax error before: '}'"),
    uncompilable(
      "code in C that does not compile", project: "anvil", "c_src/anvil.c", "42);", "42)",
      said: "error: expected"),
    Case(
      testDescription: "an application that a release of rebar3 lacks", project: "pebble",
      change: { try replace(in: $0 + "/rebar.config", "[pebble", "[nowhere, pebble") },
      problem: "the release could not be assembled: ", id: "RT-BUILD-RELEASE",
      remedy: "Make this work first: rebar3 as prod release", said: "nowhere"),
    Case(
      testDescription: "a release of rebar3 that links to Erlang itself", project: "pebble",
      change: { try replace(in: $0 + "/rebar.config", "{mode, prod}", "{mode, dev}") },
      problem: "the link 'lib/", id: "RT-SLUG-CONTENT",
      remedy: "relx makes links in its development mode: set {mode, prod} in rebar.config's relx."),
    Case(
      testDescription: "a compiler that is killed",
      change: {
        try replace(
          in: $0 + "/lib/sprout.ex", "do\n",
          "do\n  System.cmd(\"kill\", [\"-9\", System.pid()])\n")
      },
      problem:
        "the step 'compile' was killed (ended by signal 9), most likely because memory ran out",
      id: "RT-BUILD-MEMORY",
      remedy: "Build with more memory, or with fewer compilers at once: ERL_FLAGS=+S 1"),
    Case(
      testDescription: "a hook", project: "kiosk",
      change: {
        try replace(in: $0 + "/elixir_buildpack.config", "mkdir -p priv", "echo looking; exit 3")
      }, problem: "the hook hook_pre_compile ended with exit code 3", id: "RT-BUILD-HOOK",
      remedy: "See hook_pre_compile in elixir_buildpack.config; it is run by bash -c.",
      said: "       looking"),
    Case(
      testDescription: "an npm script", project: "kiosk",
      change: { try replace(in: $0 + "/assets/package.json", "cat page.txt", "cat gone.txt") },
      problem: "the assets could not be built", id: "RT-BUILD-ASSETS",
      remedy:
        "Make this work first: MIX_ENV=prod mix assets.deploy, or npm's scripts where it has none",
      said: "cat: gone.txt"),
    Case(
      testDescription: "mix assets.deploy", project: "lantern",
      change: {
        try replace(
          in: $0 + "/lib/mix/tasks/lantern.digest.ex", "do\n    for",
          "do\n    raise \"dark\"\n    for")
      }, problem: "the assets could not be built: ** (RuntimeError) dark", id: "RT-BUILD-ASSETS",
      remedy:
        "Make this work first: MIX_ENV=prod mix assets.deploy, or npm's scripts where it has none"),
    Case(
      testDescription: "a step of the release", project: "anvil",
      change: {
        try replace(in: $0 + "/mix.exs", ":tar]", "fn _ -> raise \"step\" end]")
      }, problem: "the release could not be assembled: ** (RuntimeError) step",
      id: "RT-BUILD-RELEASE",
      remedy: "Make this work first: MIX_ENV=prod mix release --overwrite"),
  ]
}

@Sendable private func addDependency(_ source: String, _ dependency: String) throws {
  try replace(in: source + "/mix.exs", "elixir: \"~> 1.11\"", "deps: [\(dependency)]")
}
