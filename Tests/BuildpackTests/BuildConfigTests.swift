import Buildpack
import Events
import Testing

/// Reads a source that holds these files.
private func config(_ files: [String: String]) throws(Cause) -> BuildConfig {
  try BuildConfig { (name) throws(Cause) in files[name].map { Array($0.utf8) } }
}

/// What the files say, one line for each fact.
private func facts(_ config: BuildConfig) -> [String] {
  func version(_ name: String, _ required: VersionRequirement?) -> [String] {
    required.map { ["\(name) \($0.text) \($0.place)"] } ?? []
  }
  var facts = version("erlang", config.erlang) + version("elixir", config.elixir)
  facts += version("node", config.node)
  if config.alwaysRebuild { facts.append("rebuild") }
  for hook in BuildConfig.Hook.allCases {
    if let command = config.hooks[hook] {
      facts.append("\(hook) \(command.place): \(command.text)")
    }
  }
  if let test = config.testArguments { facts.append("test \(test.text)") }
  if let folder = config.releaseFolder { facts.append("release folder \(folder)") }
  if let folder = config.phoenixFolder { facts.append("phoenix folder \(folder)") }
  if let folder = config.assetsFolder { facts.append("assets folder \(folder)") }
  if let script = config.assetsScript { facts.append("assets script \(script)") }
  return facts + config.warnings
}

private let elixir = "elixir_buildpack.config"
private let phoenix = "phoenix_static_buildpack.config"
private let releases = "releases_buildpack.config"
private let tools = ".tool-versions"

@Suite struct BuildConfigTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var files: [String: String]
    var facts: [String]

    init(_ name: String, _ files: [String: String], _ facts: [String]) {
      (testDescription, self.files, self.facts) = (name, files, facts)
    }
  }

  static let cases = [
    Case("nothing", [:], []),
    Case("empty files", [elixir: "", phoenix: "\n", releases: "# none\n", tools: ""], []),
    Case(
      "the usual", [elixir: "elixir_version=1.14.5\nerlang_version=25.3.2.8\n"],
      ["erlang 25.3.2.8 \(elixir):2", "elixir 1.14.5 \(elixir):1"]),
    Case(
      "every key of elixir_buildpack.config",
      [
        elixir: """
        # Erlang version
        erlang_version=25.3

        # Elixir version
        elixir_version=v1.14.5

        # Always rebuild from scratch on every deploy?
        always_rebuild=true
        release=true
        hook_pre_fetch_dependencies="pwd"
        hook_pre_compile='echo "pre" $HOME'
        hook_compile="mix compile --force --warnings-as-errors"
        hook_post_compile="eval \\"$(cat assets/post)\\""
        runtime_path=/app
        test_args="--cover"
        config_vars_to_export=(DATABASE_URL SECRET)
        """
      ],
      [
        "erlang 25.3 \(elixir):2", "elixir 1.14.5 \(elixir):5", "rebuild",
        "preFetchDependencies \(elixir):10: pwd",
        "preCompile \(elixir):11: echo \"pre\" $HOME",
        "compile \(elixir):12: mix compile --force --warnings-as-errors",
        "postCompile \(elixir):13: eval \"$(cat assets/post)\"",
        "test --cover",
        "\(elixir):16: config_vars_to_export: the build sees all config vars",
      ]),
    Case(
      "quotes, export, blanks, comments, continued lines, Windows",
      [
        elixir: "\u{feff}#!/bin/bash\r\n  export erlang_version=\"26.2\"   # why\r\n"
          + "elixir_version='1.16'.2 ; always_rebuild=false\r\n"
          + "hook_compile=\"mix \\\r\ncompile\r\nmix two\"\r\nexport PATH\r\n"
          + "hook_pre_compile=a\\ b#c\r\nhook_post_compile=$\r\n"
      ],
      [
        "erlang 26.2 \(elixir):2", "elixir 1.16.2 \(elixir):3",
        "preCompile \(elixir):8: a b#c", "compile \(elixir):4: mix compile\nmix two",
        "postCompile \(elixir):9: $",
      ]),
    Case(
      "substitutions in a hook stay as they are",
      [
        elixir: "hook_compile=\"a $(b \"c d\" $(e ')' \"${f:-\"g\"}\")) `h \\` \" i` j\"\n"
          + "hook_pre_compile=\"\\$HOME \\`x\\` \\\\ \\n\"\n"
      ],
      [
        "preCompile \(elixir):2: $HOME `x` \\ \\n",
        "compile \(elixir):1: a $(b \"c d\" $(e ')' \"${f:-\"g\"}\")) `h \\` \" i` j",
      ]),
    Case(
      "the last of several counts",
      [elixir: "erlang_version=$(cat x)\nerlang_version=24.1\nerlang_version=25\n"],
      ["erlang 25 \(elixir):3"]),
    Case(
      "unknown keys and odd values",
      [elixir: "erlang_versoin=25\nalways_rebuild=maybe\nrelease=false\n", releases: "app=1\n"],
      [
        "\(releases):1: app: this key is not known",
        "\(elixir):1: erlang_versoin: this key is not known",
        "\(elixir):2: always_rebuild: it is neither true nor false and has no effect",
        "\(elixir):3: release: an OTP release is always made",
      ]),
    Case(
      "branches and words",
      [
        elixir: "elixir_version=(branch main)\nerlang_version=latest\n",
        tools: "erlang ref:OTP-25.0\nelixir main-otp-26\nnodejs lts-hydrogen\npython 3.11\n",
      ],
      [
        "\(tools):1: erlang: 'ref:OTP-25.0' is not supported; write the number of a release",
        "\(tools):2: elixir: 'main-otp-26' is not supported; write the number of a release",
        "\(tools):3: nodejs: 'lts-hydrogen' is not supported; write the number of a release",
        "\(elixir):1: elixir_version: 'branch main' is not supported; write the number of a release",
        "\(elixir):2: erlang_version: 'latest' is not a version; write the number",
      ]),
    Case(
      "every key of phoenix_static_buildpack.config",
      [
        phoenix: """
        clean_cache=true
        compile="build_assets"
        node_version=18.12.1
        npm_version=8.19.2
        yarn_version=1.22.19
        phoenix_relative_path=./apps/web/
        remove_node=false
        assets_path=assets
        phoenix_ex=phx
        """
      ],
      [
        "node 18.12.1 \(phoenix):3", "rebuild", "phoenix folder apps/web", "assets folder assets",
        "assets script build_assets",
        "\(phoenix):4: npm_version: this key is ignored: the build uses the one of Node or of the image",
        "\(phoenix):5: yarn_version: this key is ignored: the build uses the one of Node or of the image",
        "\(phoenix):7: remove_node: Node is not put into a slug",
      ]),
    Case(
      "the defaults of phoenix_static_buildpack.config, written out",
      [
        phoenix: "clean_cache=false\ncompile=\"compile\"\nphoenix_relative_path=.\n"
          + "remove_node=true\nassets_path=.\nphoenix_ex=phoenix\n"
      ],
      [
        "assets folder .", "assets script compile",
        "\(phoenix):6: phoenix_ex: the tasks of Phoenix are called phx",
      ]),
    Case(
      "releases_buildpack.config", [releases: "app_relative_path=\"./apps/my_app\"\n"],
      ["release folder apps/my_app"]),
    Case(
      ".tool-versions of asdf",
      [tools: "erlang 25.3.2.8 24.3.4\r\n# elixir 1.0\nelixir\t1.14.5-otp-25 # pinned\nnode 18\n"],
      ["erlang 25.3.2.8 \(tools):1", "elixir 1.14.5-otp-25 \(tools):3", "node 18 \(tools):4"]),
    Case(
      "Elixir's OTP is required of Erlang", [tools: "elixir 1.15.7-otp-26\n"],
      ["erlang 26 \(tools):1", "elixir 1.15.7-otp-26 \(tools):1"]),
    Case(
      "unless there is another", [tools: "elixir 1.15.7-otp-26\nerlang 25.3\n"],
      [
        "erlang 25.3 \(tools):2", "elixir 1.15.7-otp-26 \(tools):1",
        "\(tools):1: elixir: '-otp-26' is ignored: \(tools):2 wants Erlang/OTP 25.3",
      ]),
    Case(
      "two files that differ",
      [
        tools: "erlang 26.1\nelixir 1.14.5\n", elixir: "erlang_version=25.3\nelixir_version=1.14.5",
      ],
      [
        "erlang 25.3 \(elixir):1", "elixir 1.14.5 \(elixir):2",
        "\(elixir):1: erlang_version: 25.3 is taken, not 26.1 of \(tools):1",
      ]),
    Case(
      "candidates", [tools: "erlang 27.0-rc3\nelixir 1.17.0-rc.0\n"],
      ["erlang 27.0-rc3 \(tools):1", "elixir 1.17.0-rc.0 \(tools):2"]),
  ]

  @Test(arguments: cases) func understands(_ item: Case) throws {
    #expect(facts(try config(item.files)) == item.facts)
  }

  static let refusals: [(file: String, text: String, sentence: String)] = [
    (elixir, "erlang_version=$(cat .erlang)", ":1: erlang_version holds '$(cat .erlang)', and"),
    (elixir, "\nelixir_version=\"${V:-1.14}\"", ":2: elixir_version holds '${V:-1.14}', and"),
    (elixir, "elixir_version=`cat v`", ":1: elixir_version holds '`cat v`', and"),
    (elixir, "elixir_version=1.$MINOR", ":1: elixir_version holds '$MINOR', and"),
    (elixir, "elixir_version='$X'", ":1: elixir_version: '$X' is not a version"),
    (elixir, "erlang_version=\"~> 25\"", ":1: erlang_version: '~> 25' is not a version"),
    (elixir, "erlang_version=25..3", ":1: erlang_version: '25..3' is not a version"),
    (elixir, "erlang_version=../../etc", ":1: erlang_version: '../../etc' is not a version"),
    (elixir, "erlang_version=99999999999999999999", ":1: erlang_version: '9999"),
    (
      elixir, "erlang_version=1.2.3.4.5.6.7", ":1: erlang_version: '1.2.3.4.5.6.7' is not a version"
    ),
    (elixir, "\nhook_compile=mix compile", ":2: something follows the value"),
    (elixir, "hook_compile=a&&b", ":1: the value holds a '&'"),
    (elixir, "if true; then\nerlang_version=25\nfi", ":1: it is not KEY=VALUE"),
    (elixir, "source ./other", ":1: it is not KEY=VALUE"),
    (elixir, "key+=1", ":1: it is not KEY=VALUE"),
    (elixir, "[ -f x ]", ":1: it is not KEY=VALUE"),
    (elixir, "a=1\nhook_compile=\"mix\n\n", ":2: the quote is not closed"),
    (elixir, "a='", ":1: the quote is not closed"),
    (elixir, "a=(b\nc", ":1: the '(' has no ')'"),
    (elixir, "a=\"$(b \\\"", ":1: the '$' expansion is not closed"),
    (elixir, "a=`b", ":1: the '`' is not closed"),
    (elixir, "a=1\nb=\0", ":2: the line holds a zero byte"),
    (phoenix, "phoenix_relative_path=../x", ":1: phoenix_relative_path leads out of the source"),
    (phoenix, "assets_path=/etc", ":1: assets_path leads out of the source"),
    (phoenix, "compile=\"$X/compile\"", ":1: compile holds '$X', and"),
    (releases, "app_relative_path=a/../b", ":1: app_relative_path leads out of the source"),
    (tools, "erlang", ":1: erlang: the version is missing"),
    (tools, "erlang $(id)", ":1: erlang: '$(id)' is not a version"),
    (tools, "\nelixir 1.14-otp-", ":2: elixir: '1.14-otp-' is not a version"),
  ]

  @Test(arguments: refusals)
  func refuses(_ item: (file: String, text: String, sentence: String)) throws {
    let cause = try #require(throws: Cause.self) { try config([item.file: item.text]) }
    #expect(cause.id == "RT-BUILD-FILE")
    #expect(cause.sentence.hasPrefix(item.file + item.sentence), "\(cause.sentence)")
  }

  @Test func refusesFilesThatAreNotUTF8() throws {
    let cause = try #require(throws: Cause.self) {
      try BuildConfig { (name) throws(Cause) in
        name == tools ? Array("a\nb".utf8) + [0xff, 10] : nil
      }
    }
    #expect(cause.sentence == ".tool-versions:2: the line is not UTF-8")
  }

  @Test func acceptsHugeFiles() throws {
    let big = String(repeating: "a", count: 10 << 20)
    let cause = try #require(throws: Cause.self) { try config([elixir: big]) }
    #expect(cause.sentence == "elixir_buildpack.config: it is larger than 1 MB")
    for file in [elixir, tools] {
      let lines = String(repeating: "\n", count: 1_000_000) + "erlang_version=25\nerlang 25"
      let text = file == elixir ? String(lines.dropLast(9)) : lines
      #expect(try config([file: text]).erlang?.version == ToolVersion("25"))
    }
    let keys = String(repeating: "a=b\nb=$(", count: 1000)
    #expect(throws: Cause.self) { try config([elixir: keys]) }
    let many = (0..<50_000).map { "k\($0)=1\n" }.joined()
    #expect(try config([elixir: many]).warnings.count == 21)
    let nested = "a=\"" + String(repeating: "$(", count: 100_000)
    #expect(throws: Cause.self) { try config([elixir: nested]) }
    for mark in ["\"", "'", "`", "\\", "(", "$", "${", "a=("] {
      let text = String(repeating: "a=" + mark, count: 20_000)
      _ = try? config([elixir: text])
    }
  }

  static let matches: [(required: String, version: String, fits: Bool)] = [
    ("25", "25.3.2.8", true), ("25", "25.0", true), ("25", "26.0", false), ("2", "25.0", false),
    ("25.3", "25.3", true), ("25.3", "25.3.2.8", true), ("25.3", "25.30", false),
    ("25.3.2", "25.3.2", true), ("25.3.2", "25.3.2.8", false), ("25.3.2.8", "25.3.2.8", true),
    ("1.14", "1.14.5", true), ("1.14", "1.15.0", false), ("v1.14.5", "1.14.5", true),
    ("27", "27.0-rc3", false), ("27.0-rc3", "27.0-rc3", true), ("27.0-rc3", "27.0", false),
    ("1.14.5-otp-25", "1.14.5", true),
  ]

  @Test(arguments: matches) func matchesVersions(_ item: (String, String, Bool)) throws {
    let required = try #require(try config([tools: "erlang \(item.0)\n"]).erlang)
    #expect(required.matches(try #require(ToolVersion(item.1))) == item.2)
  }

  @Test func ordersVersions() {
    let sorted = [
      "24.3.4.17", "25.0-rc1", "25.0-rc2", "25.0-rc10", "25.0", "25.0.1", "25.3", "25.3.2",
      "25.3.2.8", "25.3.2.10", "26.0",
    ].compactMap { ToolVersion($0) }
    #expect(sorted.count == 11 && sorted.shuffled().sorted() == sorted)
  }
}
