import Events
import Testing

@testable import ReleaseModel

/// A slug with one OTP release of mix, and what it is deployed to.
private struct Scene {
  var processes = ["web": "bin/shop start"]
  var formation = ["web": 1]
  var config: Set<String> = []
  var variables: [Manifest.Variable]? = []
  var appJSON: String?
  /// Files with their texts.
  var texts = [
    "releases/1.0.0/env.sh": Scene.added, "releases/1.0.0/vm.args": "+Bd", "bin/shop": "#!/bin/sh",
    "releases/1.0.0/elixir": "#!/bin/sh", "erts-13.1.5/bin/erl": "#!/bin/sh",
  ]
  var modes: [String: String] = [:]
  var sizes: [String: Int] = [:]
  var links: [String] = []
  var natives = ["erts-13.1.5/bin/beam.smp": NativeNeeds(architecture: "x86_64")]
  var target = Manifest.Target(os: "linux", arch: "x86_64", libraries: ["libc.so.6"])
  var host = HostOffer(
    os: "linux", arch: "x86_64", glibc: { LibraryVersion("2.36") },
    mayRun: { $0 == "i386" }, hasLibrary: { $0.hasPrefix("libc.") },
    hasProgram: { $0 == "node" || $0 == "sh" })
  var kind = OTPRelease.Kind.mix

  /// As the buildpack's own lines look, with a variable that they read.
  static let added = """
    export RELEASE_DISTRIBUTION=name

    \(OwnLines.opening) ---
    [ -n "$SECRET_KEY_BASE" ] && PORT=0
    # ------
    """

  private var release: OTPRelease {
    func application(_ name: String, order: Int?) -> OTPRelease.Application {
      OTPRelease.Application(name: name, version: "1", order: order)
    }
    return OTPRelease(
      name: "shop", version: "1.0.0", ertsVersion: "13.1.5", kind: kind,
      applications: [
        application("crypto", order: 1), application("shop", order: 2),
        application("spare", order: nil),
      ], startCommand: "bin/shop", startArgument: "start")
  }

  func findings() throws -> [Preflight.Finding] {
    let paths = Set(texts.keys).union(natives.keys).union(modes.keys).sorted()
    let files =
      paths.map { path in
        Manifest.Entry(
          path: path, kind: .file, mode: modes[path] ?? "755", size: sizes[path] ?? 100)
      } + links.map { Manifest.Entry(path: $0, kind: .link) }
    var manifest = Manifest(
      otpReleases: [release],
      processes: processes.sorted { $0.key < $1.key }.map {
        Procfile.Entry(process: $0.key, command: $0.value)
      }, appJSON: try appJSON.map { try AppJSON(bytes: Array($0.utf8)) }, tools: [:],
      target: target, files: files)
    manifest.variables = variables
    return Preflight(
      app: "shop", manifest, formation: formation, config: config, host: host,
      read: { texts[$0] }, native: { natives[$0] }
    ).findings()
  }

  /// The sentences, those of refusals with `!` before them.
  func sentences() throws -> [String] {
    try findings().map { ($0.refuses ? "! " : "") + $0.cause.sentence }
  }
}

struct PreflightTests {
  private static let configuration = """
    import Config
    config :shop, key: System.fetch_env!("SECRET_KEY_BASE")
    # DATABASE_URL
    """

  private static func needs(_ scene: inout Scene, _ names: String...) {
    scene.texts["releases/1.0.0/runtime.exs"] = configuration
    scene.variables = names.map {
      Manifest.Variable(name: $0, need: .required, file: "config/runtime.exs", line: 5)
    }
  }

  private typealias Case = (name: String, change: @Sendable (inout Scene) -> Void, [String])
  private static let unset = "SECRET_KEY_BASE is not set (config/runtime.exs:5)"

  private static let variables: [Case] = [
    ("nothing", { _ in }, ["! " + unset]),
    ("a config var", { $0.config = ["SECRET_KEY_BASE"] }, []),
    ("app.json", { $0.appJSON = #"{"env":{"SECRET_KEY_BASE":{"generator":"secret"}}}"# }, []),
    ("app.json, no value", { $0.appJSON = #"{"env":{"SECRET_KEY_BASE":{}}}"# }, ["! " + unset]),
    (
      "env.sh", { $0.texts["releases/1.0.0/env.sh"]? += "\nexport SECRET_KEY_BASE=$(cat /key)" },
      []
    ),
    (
      "env.sh, read only",
      { $0.texts["releases/1.0.0/env.sh"]? += "\n[ -n \"$SECRET_KEY_BASE\" ] || exit 1" }, [unset]
    ),
    (
      "env.sh, a comment", { $0.texts["releases/1.0.0/env.sh"]? += "\n# SECRET_KEY_BASE=x" },
      ["! " + unset]
    ),
    (
      "env.sh, another name", { $0.texts["releases/1.0.0/env.sh"]? += "\nMY_SECRET_KEY_BASE=x" },
      ["! " + unset]
    ),
    ("env.sh, a file", { $0.texts["releases/1.0.0/env.sh"]? += "\n. /etc/shop.env" }, [unset]),
    (
      "env.sh, eval", { $0.texts["releases/1.0.0/env.sh"]? += "\neval \"$(vault env)\"" }, [unset]
    ),
    (
      "env.sh, a loop",
      { $0.texts["releases/1.0.0/env.sh"]? += "\nwhile read -r line; do export \"$line\"; done" },
      [unset]
    ),
    ("env.sh, set -a", { $0.texts["releases/1.0.0/env.sh"]? += "\nset -ea; x" }, [unset]),
    (
      "env.sh, a call of the release",
      { $0.texts["releases/1.0.0/env.sh"]? += "\nexport A=$(b)\nbin/shop eval x" }, ["! " + unset]
    ),
    ("vm.args, another file", { $0.texts["releases/1.0.0/vm.args"] = "-args_file x" }, [unset]),
    ("vm.args", { $0.texts["releases/1.0.0/vm.args"] = "-env SECRET_KEY_BASE x" }, []),
    (".profile.d", { $0.texts[".profile.d/a.sh"] = ": \"${SECRET_KEY_BASE:=x}\"" }, []),
    (
      ".profile.d of the buildpack",
      { $0.texts[".profile.d/reltui.sh"] = OwnLines.file + "\n. $SECRET_KEY_BASE" }, ["! " + unset]
    ),
    ("the Procfile", { $0.processes["web"] = "SECRET_KEY_BASE=x bin/shop start" }, []),
    ("another script", { $0.texts["bin/keys"] = "export SECRET_KEY_BASE=x" }, []),
    ("flags for the VM", { $0.config = ["ERL_FLAGS"] }, [unset]),
    ("a wrapper", { $0.processes["web"] = "node run -- bin/shop start" }, [unset]),
    ("a program that is no release", { $0.processes["web"] = "node server.js" }, [unset]),
    (
      "bin/server",
      {
        $0.texts["bin/server"] = "#!/bin/sh\ncd x\nPHX_SERVER=true exec ./shop start\n"
        $0.processes["web"] = "bin/server"
      }, ["! " + unset]
    ),
    (
      "a script of the slug that the Procfile starts",
      {
        $0.texts["lib/shop-1/priv/start.sh"] = "export SECRET_KEY_BASE=x\nbin/shop start"
        $0.processes["web"] = "lib/shop-1/priv/start.sh"
      }, []
    ),
    ("its own start script", { $0.texts["bin/shop"] = "SECRET_KEY_BASE=x" }, []),
    ("a link in .profile.d", { $0.links = [".profile.d/a.sh"] }, [unset]),
    (
      "vm.args, another file behind a flag",
      { $0.texts["releases/1.0.0/vm.args"] = "-noshell -args_file x" }, [unset]
    ),
    (
      "only the release phase", { $0.processes = ["release": "bin/shop eval X", "web": "node x"] },
      ["! " + unset]
    ),
    (
      "a release of relx",
      {
        $0.kind = .relx
        $0.texts["releases/1.0.0/runtime.exs"] = nil
      }, [unset]
    ),
    (
      "configuration that sets it",
      { $0.texts["releases/1.0.0/runtime.exs"]? += "System.put_env(x)" }, [unset]
    ),
    (
      "a file of another release", { $0.texts["releases/1.0.0/runtime.exs"] = "import Config" },
      [unset]
    ),
    ("what a run has", { needs(&$0, "PORT", "RELEASE_NODE", "LANG", "HOME") }, []),
    (
      "two", { needs(&$0, "SECRET_KEY_BASE", "SECRET_KEY_BASE", "DATABASE_URL") },
      ["! " + unset, "DATABASE_URL is not set (config/runtime.exs:5)"]
    ),
  ]

  @Test func variablesThatNothingSets() throws {
    for (name, change, sentences) in Self.variables {
      var scene = Scene()
      Self.needs(&scene, "SECRET_KEY_BASE")
      change(&scene)
      #expect(try scene.sentences() == sentences, "\(name)")
    }
  }

  @Test func aRefusalNamesAllThatIsMissing() throws {
    var scene = Scene()
    Self.needs(&scene, "SECRET_KEY_BASE", "URL")
    scene.texts["releases/1.0.0/runtime.exs"]? += "\nSystem.fetch_env!(\"URL\")"
    scene.modes["erts-13.1.5/bin/beam.smp"] = "644"
    let cause = try #require(Preflight.refusal(for: scene.findings()))
    #expect(cause.id == "RT-NOT-EXECUTABLE")
    #expect(
      cause.evidence.map(\.text) == [Self.unset, "URL is not set (config/runtime.exs:5)"])
    let variable = try scene.findings().first { $0.cause.id == "RT-CONFIG-MISSING" }?.cause
    #expect(variable?.remedy == "Set it: relctl config shop set SECRET_KEY_BASE=… URL=…")
    #expect(variable?.facts == ["missing": "SECRET_KEY_BASE,URL"])
    #expect(Preflight.refusal(for: []) == nil)
  }

  /// The code's own reads never refuse.
  @Test func variablesInCode() throws {
    func found(_ need: Manifest.Variable.Need, _ change: (inout Scene) -> Void = { _ in }) throws
      -> [String]
    {
      var scene = Scene()
      scene.variables = [
        Manifest.Variable(name: "GREETING", need: need, file: "lib/greeter.ex", line: 12)
      ]
      change(&scene)
      return try scene.sentences()
    }
    #expect(try found(.conditional) == ["GREETING is not set (lib/greeter.ex:12)"])
    #expect(try found(.optional) == [])
    #expect(try found(.conditional) { $0.config = ["GREETING"] } == [])
    #expect(try found(.conditional) { $0.processes["web"] = "bin/shop start $GREETING" } == [])
  }

  private static let ports: [Case] = [
    ("", { _ in }, ["web reads APP_PORT (config/runtime.exs:7), and nothing reads PORT"]),
    ("given", { $0.processes["web"] = "APP_PORT=$PORT bin/shop start" }, []),
    ("env.sh", { $0.texts["releases/1.0.0/env.sh"]? += "\nexport APP_PORT=${PORT}" }, []),
    ("no web", { $0.formation = ["web": 0] }, []),
    ("a database's", { $0.variables?[0].name = "DATABASE_PORT" }, []),
    (
      "its own name", { $0.variables?[0].name = "SHOP_PORT" },
      ["web reads SHOP_PORT (config/runtime.exs:7), and nothing reads PORT"]
    ),
    (
      "both",
      {
        $0.variables?.append(
          Manifest.Variable(name: "PORT", need: .optional, file: "lib/a.ex", line: 1))
      }, []
    ),
    ("not looked for", { $0.variables = nil }, []),
  ]

  @Test func aPortThatIsNotRead() throws {
    for (name, change, sentences) in Self.ports {
      var scene = Scene()
      scene.variables = [
        Manifest.Variable(name: "APP_PORT", need: .optional, file: "config/runtime.exs", line: 7)
      ]
      change(&scene)
      #expect(try scene.sentences() == sentences, "\(name)")
      if name.isEmpty {
        #expect(
          try scene.findings().first?.cause.remedy
            == "Write in the Procfile: web: APP_PORT=$PORT bin/shop start")
      }
    }
  }

  private static let migrations: [Case] = [
    (
      "env.sh", { $0.formation = ["web": 3] },
      ["releases/1.0.0/env.sh:2 migrates at each start, and 3 instances start"]
    ),
    ("one instance", { _ in }, []),
    (
      "two process types",
      {
        $0.formation["job"] = 1
        $0.processes["job"] = "bin/shop start"
      },
      ["releases/1.0.0/env.sh:2 migrates at each start, and 2 instances start"]
    ),
    (
      "a comment",
      {
        $0.formation = ["web": 3]
        $0.texts["releases/1.0.0/env.sh"] = "#\n# migrate"
      }, []
    ),
    (
      "the process type",
      {
        ($0.formation, $0.texts["releases/1.0.0/env.sh"]) = (["web": 2], "")
        $0.processes["web"] = "bin/shop eval Shop.migrate && bin/shop start"
      }, ["Procfile: web migrates at each start, and 2 instances start"]
    ),
    (
      "the release phase",
      {
        ($0.formation, $0.texts["releases/1.0.0/env.sh"]) = (["web": 2], "")
        $0.processes["release"] = "bin/shop eval Shop.migrate"
      }, []
    ),
  ]

  @Test func migrationsAtEachStart() throws {
    for (name, change, sentences) in Self.migrations {
      var scene = Scene()
      scene.texts["releases/1.0.0/env.sh"] = "\nbin/shop eval Shop.Release.migrate"
      change(&scene)
      #expect(try scene.sentences() == sentences, "\(name)")
    }
  }

  private static let beam = "erts-13.1.5/bin/beam.smp"
  private static let nif = "lib/shop-1/priv/shop_nif.so"

  private static func needs(glibc: String) -> NativeNeeds {
    NativeNeeds(architecture: "x86_64", glibc: LibraryVersion(glibc))
  }

  private static func needs(_ library: String, hasFolders: Bool = false) -> NativeNeeds {
    NativeNeeds(architecture: "x86_64", libraries: [library], hasFolders: hasFolders)
  }

  private static let hosts: [Case] = [
    ("fits", { _ in }, []),
    (
      "another architecture", { $0.natives[beam]?.architecture = "aarch64" },
      ["! erts-13.1.5/bin/beam.smp is for aarch64; this host is x86_64"]
    ),
    (
      "a sister", { $0.natives[beam]?.architecture = "i386" },
      ["erts-13.1.5/bin/beam.smp is for i386; this host is x86_64"]
    ),
    (
      "another target", { $0.target.arch = "aarch64" },
      ["! the slug is for linux on aarch64; this host is linux on x86_64"]
    ),
    (
      "mode", { $0.modes[beam] = "644" },
      ["! erts-13.1.5/bin/beam.smp is not executable (mode 644)"]
    ),
    (
      "mode of a script", { $0.modes["releases/1.0.0/elixir"] = "644" },
      ["! releases/1.0.0/elixir is not executable (mode 644)"]
    ),
    (
      "a NIF's glibc",
      { ($0.target.glibc, $0.natives[nif]) = ("2.42", needs(glibc: "2.42")) },
      ["! lib/shop-1/priv/shop_nif.so needs glibc 2.42; this host has 2.36"]
    ),
    ("an old glibc", { ($0.target.glibc, $0.natives[nif]) = ("2.4", needs(glibc: "2.4")) }, []),
    (
      "an unknown glibc",
      {
        ($0.target.glibc, $0.natives[nif]) = ("2.42", needs(glibc: "2.42"))
        $0.host.glibc = { nil }
      }, []
    ),
    (
      "a glibc of the slug's own",
      {
        ($0.target.glibc, $0.natives[nif]) = ("2.42", needs(glibc: "2.42"))
        $0.target.libraries = []
      }, ["lib/shop-1/priv/shop_nif.so needs glibc 2.42; this host has 2.36"]
    ),
    (
      "code that is loaded later",
      {
        ($0.target.glibc, $0.natives[nif]) = ("2.42", needs(glibc: "2.42"))
        $0.config = ["RELEASE_MODE"]
      }, ["lib/shop-1/priv/shop_nif.so needs glibc 2.42; this host has 2.36"]
    ),
    (
      "the glibc of an application that is not started",
      {
        $0.target.glibc = "2.42"
        $0.natives["lib/spare-1/priv/a.so"] = needs(glibc: "2.42")
      }, ["lib/spare-1/priv/a.so needs glibc 2.42; this host has 2.36"]
    ),
    (
      "the VM's glibc comes first",
      {
        $0.target.glibc = "2.42"
        ($0.natives[nif], $0.natives[beam]) = (needs(glibc: "2.42"), needs(glibc: "2.38"))
      },
      [
        "! erts-13.1.5/bin/beam.smp needs glibc 2.38; this host has 2.36",
        "! lib/shop-1/priv/shop_nif.so needs glibc 2.42; this host has 2.36",
      ]
    ),
    (
      "the VM's library",
      { ($0.target.libraries, $0.natives[beam]) = (["libtinfo.so.6"], needs("libtinfo.so.6")) },
      ["! erts-13.1.5/bin/beam.smp needs libtinfo.so.6; this host does not have it"]
    ),
    (
      "the VM's library, with folders of its own",
      {
        ($0.target.libraries, $0.natives[beam]) = (["libz.so"], needs("libz.so", hasFolders: true))
      },
      ["erts-13.1.5/bin/beam.smp needs libz.so; this host does not have it"]
    ),
    (
      "LD_LIBRARY_PATH",
      {
        ($0.target.libraries, $0.natives[beam]) = (["libz.so"], needs("libz.so"))
        $0.texts[".profile.d/a.sh"] = "export LD_LIBRARY_PATH=/app/.apt"
      }, ["erts-13.1.5/bin/beam.smp needs libz.so; this host does not have it"]
    ),
    (
      "OpenSSL",
      {
        $0.target.libraries = ["libcrypto.so.1.1"]
        $0.natives["lib/crypto-1/priv/lib/crypto.so"] = needs("libcrypto.so.1.1")
      }, ["! lib/crypto-1/priv/lib/crypto.so needs libcrypto.so.1.1; this host does not have it"]
    ),
    (
      "OpenSSL, which other code needs too",
      {
        $0.target.libraries = ["libcrypto.so.1.1"]
        $0.natives["lib/another-1/priv/a.so"] = needs("libcrypto.so.1.1")
        $0.natives["lib/crypto-1/priv/lib/crypto.so"] = needs("libcrypto.so.1.1")
      }, ["! lib/crypto-1/priv/lib/crypto.so needs libcrypto.so.1.1; this host does not have it"]
    ),
    (
      "OpenSSL in a release of relx",
      {
        ($0.kind, $0.target.libraries) = (.relx, ["libcrypto.so.1.1"])
        $0.natives["lib/crypto-1/priv/lib/crypto.so"] = needs("libcrypto.so.1.1")
      }, ["lib/crypto-1/priv/lib/crypto.so needs libcrypto.so.1.1; this host does not have it"]
    ),
    (
      "a NIF's library",
      { ($0.target.libraries, $0.natives[nif]) = (["libgtk.so"], needs("libgtk.so")) },
      ["lib/shop-1/priv/shop_nif.so needs libgtk.so; this host does not have it"]
    ),
    (
      "a loader that is not known",
      {
        ($0.target.libraries, $0.natives[beam]) = (["libz.so"], needs("libz.so"))
        $0.host.hasLibrary = { _ in nil }
      }, []
    ),
  ]

  @Test func whatTheHostMustHave() throws {
    for (name, change, sentences) in Self.hosts {
      var scene = Scene()
      change(&scene)
      #expect(try scene.sentences() == sentences, "\(name)")
    }
  }

  private static let absent = "Procfile: web starts 'bin/sever', which the slug does not have"
  private static let tool = "Procfile: web starts 'mix', which neither the slug nor this host has"

  /// Commands of `web`.
  private static let programs: [(String, [String])] = [
    ("bin/shop start", []), ("bin/sever", ["! " + absent]), ("exec ./bin/sever", ["! " + absent]),
    ("bin/sever || bin/shop start", [absent]), ("bin/sever; bin/shop start", [absent]),
    ("bin/shop eval x && bin/sever", ["! " + absent]), ("cd x && bin/sever", []),
    ("[ -x bin/sever ] && bin/sever", []), ("$HOME/bin/sever", []), ("node server.js", []),
    ("mix phx.server", ["! " + tool]), ("mix x || bin/shop start", []), ("echo x", []),
    ("bin/late start", ["! bin/late is not executable (mode 644)"]),
    ("./start.sh", []), ("env -u LANG bin/shop start", []), ("env -i bin/shop start", []),
    ("exec -a shop bin/shop start", []), ("../shop", []), ("sh bin/late start", []),
    ("bin/$APP start", []), ("bin/${NAME} start", []), ("bin/sho* start", []),
    ("bin/sh\\op start", []), ("bin/shop start # see docs && wiki", []),
    ("exec bin/shop start && cleanup", []), ("bin/shop start && notify", []),
    ("chdir bin && ./shop start", []), ("mix x && bin/shop start", ["! " + tool]),
    ("sh -c 'bin/sever'", ["! " + absent]), ("$START", []), ("A=1", []),
  ]

  @Test func programsOfProcessTypes() throws {
    for (command, sentences) in Self.programs {
      var scene = Scene()
      scene.processes["web"] = command
      scene.texts["bin/late"] = ""
      scene.modes["bin/late"] = "644"
      let found = try scene.sentences()
      #expect(found == sentences, "\(command)")
    }
    var scene = Scene()
    scene.processes = ["job": "bin/sever", "release": "bin/sever", "web": "bin/shop start"]
    #expect(
      try scene.sentences() == ["! " + Self.absent.replacing("web", with: "release")])
    #expect(try scene.findings().first?.cause.remedy?.hasPrefix("It has: bin/shop") == true)
    scene = Scene()
    scene.processes["web"] = "bin/sever"
    scene.texts[".profile.d/place.sh"] = "cd app"
    #expect(try scene.sentences() == [Self.absent])
    scene = Scene()
    scene.processes["web"] = "setup && bin/shop start"
    scene.texts[".profile.d/tools.sh"] = "setup() { true; }"
    #expect(try scene.sentences() == [])
    scene = Scene()
    scene.processes["web"] = "mix x"
    scene.texts[".profile.d/tools.sh"] = "PATH=$HOME/tools:$PATH"
    #expect(try scene.sentences() == [])
  }

  /// The manifest has no entries behind a link.
  @Test func programsBehindALinkAreNotJudged() throws {
    var scene = Scene()
    scene.processes["web"] = "bin/sever"
    scene.links = ["bin"]
    #expect(try scene.sentences() == [])
  }

  /// What was not read may set any variable.
  @Test func aboveALimitOfBytesNothingIsSure() throws {
    var scene = Scene()
    Self.needs(&scene, "SECRET_KEY_BASE")
    for number in 0..<20 {
      let path = "assets/\(number).js"
      (scene.texts[path], scene.sizes[path]) = ("x", 60_000)
    }
    #expect(try scene.sentences() == [Self.unset])
    scene.processes["web"] = "mix x"
    scene.texts[".profile.d/a.sh"] = "x"
    scene.sizes[".profile.d/a.sh"] = 2 << 20
    #expect(try scene.sentences() == [Self.unset])
  }

  @Test func sentencesStayShort() throws {
    var scene = Scene()
    scene.processes["web"] = "bin/" + String(repeating: "x", count: 5000)
    let sentence = try #require(scene.sentences().first)
    #expect(sentence.count == 202 && sentence.hasSuffix("…"))
  }
}
