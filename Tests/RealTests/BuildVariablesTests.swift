import Posix
import TestSupport
import Testing

extension BuildsByRootTests {
  /// The variables that a build gets, and where they can be seen; as root, so also through the build
  /// user.
  @Suite struct BuildVariablesTests {
    let stage: Stage
    let source: String

    init() throws {
      try #require(User.isRoot, "this test needs root, to build as another user")
      stage = try Stage("build-variables")
      source = stage.folder.path + "/source"
    }

    /// Writes a project that prints something and does not compile; the tests need no more.
    private func project(_ script: String) throws {
      try stage.folder.write("source/lib/demo.ex", "defmodule Demo do\n  oops\nend\n")
      try stage.writeProject(thatRuns: script)
    }

    private func said(_ words: [String], _ environment: [String: String] = [:]) throws -> [String] {
      let answer = try stage.run("relctl", words, environment: environment)
      #expect(answer.errors.contains("[RT-BUILD-COMPILE]"), "\(answer.errors)\(answer.output)")
      return answer.lines.map { String($0.trimmingPrefix("       ")) }
    }

    /// Checks that no file of the home but the sets of config vars holds one of the values.
    private func checkHome(_ values: [String]) throws {
      for entry in try FileTree.entries(of: stage.home.root)
      where entry.info.kind == .file && !entry.path.contains("/config/") {
        let text = String(
          decoding: try Files.read(stage.home.root + "/" + entry.path), as: UTF8.self)
        #expect(values.filter(text.contains) == [], "\(entry.path)")
      }
    }

    @Test func variablesReachTheBuildAndStaySecret() throws {
      try project(
        """
        for name in TOKEN KEPT FILED GIVEN ALL QUOTED; do
          eval "echo \"$name is \\$$name\""
        done
        folder=$(echo /var/tmp/reltui-build-*/env)
        stat -c 'mode %a of %u' "$folder" "$folder/TOKEN"
        tr '\\0' ' ' < /proc/$PPID/cmdline; ls -d "$folder/"*
        """)
      try stage.folder.write(
        "build.env", "# of the team\nexport FILED='zq-filed-1'\nALL=zq-filed-all\nQUOTED=\"a b\"\n")
      func keep(_ words: String..., input: String? = nil) throws -> Stage.Answer {
        try stage.run("relctl", ["config", "shop"] + words, input: input)
      }
      #expect(try keep("set", "--build", "KEPT", input: "zq-kept-1\n").exit == .code(0))
      #expect(try keep("set", "--build", "ALL=zq-kept-all", "FILED=zq-kept-2").exit == .code(0))
      let lines = try said(
        [
          "deploy", "shop", source, "--env", "TOKEN", "--env=GIVEN=no-secret-here", "--env",
          "ALL=zq-given-all", "--env-file", "build.env",
        ], ["TOKEN": "zq-token-1"])
      for line in [
        "TOKEN is «TOKEN»", "KEPT is «KEPT»", "FILED is «FILED»", "GIVEN is «GIVEN»",
        "ALL is «ALL»", "QUOTED is a b", "mode 700 of 61000", "mode 600 of 61000",
      ] {
        #expect(lines.contains(line), "\(line) in \(lines)")
      }
      try checkHome(["zq-", "no-secret"])
      #expect(try stage.relctl("config", "shop", "--build").lines == ["ALL", "FILED", "KEPT"])
      #expect(try keep("unset", "--build", "ALL", "FILED").exit == .code(0))
      #expect(try keep("--build", "--json").output == #"["KEPT"]"# + "\n")
      #expect(try keep("unset", "--build", "ALL").errors.contains("has no config var 'ALL'"))
      // The build made no release, request or app.
      #expect(try stage.events().allSatisfy { $0.typeName.hasPrefix("build.") })
    }

    /// Checked by length, because the values themselves are masked.
    @Test func lastValueCounts() throws {
      try project("echo \"1: ${#V1}, 2: ${#V2}, 3: ${#V3}\"")
      try stage.folder.write("one.env", "V1=666666\nV2=666666\n")
      try stage.folder.write("two.env", "V2=7777777\n")
      try stage.relctl("config", "shop", "set", "--build", "V1=1", "V2=1", "V3=55555")
      let lines = try said([
        "deploy", "shop", source, "--env", "V1=88888888", "--env-file", "one.env", "--env-file",
        "two.env",
      ])
      #expect(lines.contains("1: 8, 2: 7, 3: 5"), "\(lines)")
      // The config vars of an app are not changed.
      #expect(try said(["build", source]).contains("1: 0, 2: 0, 3: 0"))
    }

    @Test func neededEnvironmentVariablesArePassedOn() throws {
      try project(
        """
        echo "mirror $HEX_MIRROR"; echo "proxy $https_proxy"; echo "key $HEX_API_KEY"
        echo "no $NO_PROXY"; echo "ca $(cat "$SSL_CERT_FILE")"; echo "npm $npm_config_registry"
        echo "ssh [$SSH_AUTH_SOCK] other [$OTHER]"; ls "$MIX_HOME/archives"
        cat "$MIX_HOME/secret" "$MIX_HOME/../mix/secret"; sh "$MIX_REBAR3"
        """)
      let own = "root's"
      for (name, text) in [
        ("\(own)/mix/archives/hex/ebin/x", ""), ("\(own)/mix/secret", "zq-hidden"),
        ("\(own)/ca.pem", "a certificate"), ("\(own)/rebar3", "echo here is rebar3"),
      ] {
        try stage.folder.write(name, text, mode: 0o600)
      }
      let folder = stage.folder.path + "/" + own
      try Files.setMode(folder, 0o700)
      let lines = try said(
        ["build", source],
        [
          "HEX_MIRROR": "https://ana:zq-pass@mirror.invalid/hex", "OTHER": "x",
          "https_proxy": "http://ana:zq-word@127.0.0.1:9", "HEX_API_KEY": "zq-key-123456",
          "NO_PROXY": "localhost", "SSL_CERT_FILE": folder + "/ca.pem",
          "MIX_HOME": folder + "/mix", "MIX_REBAR3": folder + "/rebar3",
          "npm_config_registry": "https://npm.invalid/", "SSH_AUTH_SOCK": "/run/agent",
        ])
      for line in [
        "mirror https://ana:«HEX_MIRROR»@mirror.invalid/hex",
        "proxy http://ana:«https_proxy»@127.0.0.1:9", "key «HEX_API_KEY»", "no localhost",
        "ca a certificate", "npm https://npm.invalid/", "ssh [] other []", "hex", "here is rebar3",
      ] {
        #expect(lines.contains(line), "\(line) in \(lines)")
      }
      #expect(!lines.joined().contains("zq-"), "\(lines)")
      try checkHome(["zq-"])
    }

    /// The build user cannot read root's keys; a project that needs them gets a warning.
    @Test func dependenciesOverSSHCauseAWarning() throws {
      try project("true")
      let warning = " !     mix.lock has a dependency by SSH, and SSH_AUTH_SOCK is not handed to"
      try stage.folder.write("source/mix.lock", "%{}\n")
      #expect(try !said(["build", source]).contains { $0.hasPrefix(warning) })
      try stage.folder.write(
        "source/mix.lock", #"%{"x": {:git, "git@git.invalid:x.git", "c0ffee", []}}"# + "\n")
      let answer = try stage.relctl("build", source)
      #expect(answer.lines.first?.hasPrefix(warning) == true, "\(answer.output)")
    }

    static let refused: [(words: [String], exit: Int32, said: String)] = [
      (["--env", "NOT_THERE"], 64, "'NOT_THERE' is not set in this environment [RT-USAGE]"),
      (["--env", "1A=x"], 64, "'1A' cannot be the name of a config var [RT-CONFIG-NAME]"),
      (["--env", "../A=x"], 64, "'../A' cannot be the name of a config var [RT-CONFIG-NAME]"),
      (
        ["--env-file", "none"], 69, "cannot read 'none': there is no such file [RT-SOURCE-MISSING]"
      ),
      (
        ["--env-file", "wrong.env"], 65,
        "wrong.env:2: there is no '=' between name and value [RT-BUILD-FILE]"
      ),
    ]

    @Test(arguments: refused.indices) func invalidVariablesAreRefusedBeforeTheBuild(_ index: Int)
      throws
    {
      let (words, exit, said) = Self.refused[index]
      try project("true")
      try stage.folder.write("wrong.env", "A=1\nzq-secret\n")
      let answer = try stage.run("relctl", ["build", source] + words)
      #expect(answer.exit == .code(exit) && answer.output.isEmpty)
      #expect(answer.errors.hasPrefix("relctl: " + said), "\(answer.errors)")
      #expect(!Files.exists(stage.home.events) && !answer.errors.contains("zq-"))
    }

    @Test func onlyBuildsAcceptVariables() throws {
      try FileTree.copy(
        Workspace.root + "/Tests/Fixtures/releases/mix", to: stage.folder.path + "/release")
      for what in ["release", "abcd"] {
        let answer = try stage.relctl("deploy", "shop", what, "--env", "A=1")
        #expect(answer.exit == .code(64))
        #expect(
          answer.errors.hasPrefix(
            "relctl: '--env' has no use: '\(what)' is not built, but taken as it is [RT-USAGE]"))
      }
    }
  }
}
