import Buildpack
import Posix
import TestSupport
import Testing

/// The six programs, with the arguments of different platforms.
@Suite(.waitsForPrograms) struct ContractTests {
  /// herokuish calls `bin/release BUILD CACHE` after `compile`, and runs all programs in the source's folder. Heroku does
  /// what its document says. Others pass ENV_DIR to all programs.
  private enum Builder: String, CaseIterable {
    case herokuish, heroku, others

    func arguments(_ program: String, _ host: BuildHost, _ source: String) -> [String] {
      let all = [source, host.cache, host.variables]
      switch (self, program) {
      case (.others, _): return all
      case (_, "compile"), (_, "test-compile"), (.heroku, "report"): return all
      case (.herokuish, "release"), (.herokuish, "report"): return [source, host.cache]
      case (_, "test"): return [source, host.variables]
      default: return [source]
      }
    }
  }

  @Test(arguments: Builder.allCases.map(\.rawValue)) func everyProgramAcceptsThePlatformsArguments(
    _ name: String
  )
    throws
  {
    let builder = try #require(Builder(rawValue: name))
    let host = try BuildHost(Sample.all.first { $0.name == "sprout" }.unsafelyUnwrapped)
    func call(_ program: String, _ source: String) throws -> Platform.Result {
      var invocation = host.invocation(program, builder.arguments(program, host, source))
      invocation.directory = source
      return try BuildHost.result(invocation)
    }
    let source = try host.unpack("source")
    #expect(try call("detect", source).lines == ["Elixir"])
    let compiled = try call("compile", source)
    #expect(compiled.exit == .code(0), "\(compiled.lines)")
    let released = try call("release", source)
    #expect(released.exit == .code(0))
    #expect(
      released.lines == ["---", "default_process_types:", "  web: \"bin/sprout start\""])
    let report = try call("report", source)
    #expect(report.exit == .code(0) && report.lines.first?.hasPrefix("{") == true)

    let tested = try host.unpack("tested") {
      try Files.makeFolder($0 + "/test", mode: 0o755)
      try File.open($0 + "/test/test_helper.exs", .create, mode: 0o644).write("ExUnit.start()\n")
      try File.open($0 + "/test/sprout_test.exs", .create, mode: 0o644).write(
        """
        defmodule SproutTest do
          use ExUnit.Case
          test "its folder for temporary files is its own" do
            assert System.tmp_dir!() =~ ".relpack-"
          end
        end

        """)
    }
    // An earlier failure is reported until a program succeeds.
    try rewrite(tested + "/.report", "")
    let broken = try host.run("test-compile", [host.folder.path + "/nothing", host.cache])
    #expect(broken.exit == .code(1))
    for program in ["test-compile", "test"] {
      let result = try call(program, tested)
      #expect(result.exit == .code(0), "\(program): \(result.lines)")
    }
    #expect(try call("report", tested).lines == ["{}"])
  }

  @Test func reportForgetsAFailureWhenTestsPass() throws {
    let host = try BuildHost(Sample.all.first { $0.name == "sprout" }.unsafelyUnwrapped)
    let source = try host.unpack("source") {
      try Files.makeFolder($0 + "/test", mode: 0o755)
      try File.open($0 + "/test/test_helper.exs", .create, mode: 0o644).write("ExUnit.start()\n")
      try File.open($0 + "/test/sprout_test.exs", .create, mode: 0o644).write(
        "defmodule SproutTest do\n  use ExUnit.Case\n  test \"it\", do: assert 1 == 2\nend\n")
    }
    func run(_ program: String, _ arguments: [String]) throws -> Platform.Result {
      try host.run(program, [source] + arguments)
    }
    #expect(try run("test-compile", [host.cache, host.variables]).exit == .code(0))
    #expect(try run("test", [host.variables]).exit == .code(1))
    #expect(try run("report", []).lines.first?.contains("RT-BUILD-TEST") == true)
    try replace(in: source + "/test/sprout_test.exs", "1 == 2", "1 == 1")
    #expect(try run("test", [host.variables]).exit == .code(0))
    #expect(try run("report", []).lines == ["{}"])
  }

  /// Each tool has a folder for temporary files that no other build uses, under the same path in every build.
  @Test func everyBuildHasItsOwnTemporaryFolder() throws {
    let host = try BuildHost(Sample.all.first { $0.name == "sprout" }.unsafelyUnwrapped)
    let source = try host.unpack("source") {
      try rewrite(
        $0 + "/elixir_buildpack.config", "hook_post_compile='echo in $TMPDIR; touch $TMPDIR/x'\n")
    }
    let result = try host.run(
      "compile", [source, host.cache],
      environment: ["TMPDIR": "/nonexistent", "RELPACK_BOOT_CHECK": "off"])
    #expect(result.exit == .code(0) && result.lines.contains("       in /var/tmp/reltui-build/tmp"))
  }

  @Test func keepsFilesOfEarlierBuildpacks() throws {
    let host = try BuildHost(Sample.all.first { $0.name == "sprout" }.unsafelyUnwrapped)
    let source = try host.unpack("source") { source in
      for (path, text) in [
        ".apt/usr/bin/hello": "#!/bin/sh\necho hello\n", ".heroku/node/bin/node": "node",
        "vendor/wkhtmltopdf/bin/x": "x", "vendor/lib_of_ours/mix.exs": "",
        ".profile.d/000_apt.sh": "export PATH=\"$HOME/.apt/usr/bin:/app/.tool/bin:$PATH\"\n",
        ".tool/bin/t": "t", "assets/app.js": "source",
      ] {
        try Files.makeFolder(Files.parent(of: source + "/" + path), mode: 0o755)
        try File.open(source + "/" + path, .create, mode: 0o755).write(text)
      }
      try Files.symbolicLink(to: "hello", at: source + "/.apt/usr/bin/hi")
      try Files.symbolicLink(to: "/app/.heroku/node/bin/node", at: source + "/.apt/usr/bin/node")
      try Files.symbolicLink(to: "/etc/alternatives/awk", at: source + "/.apt/usr/bin/awk")
      try Files.remove(source + "/vendor/lib_of_ours")
    }
    let result = try host.run(
      "compile", [source, host.cache], environment: ["RELPACK_BOOT_CHECK": "off"])
    try #require(result.exit == .code(0), "\(result.lines)")
    for path in [
      ".apt/usr/bin/hello", ".heroku/node/bin/node", "vendor/wkhtmltopdf/bin/x", ".tool/bin/t",
      ".profile.d/000_apt.sh",
    ] { #expect(Files.isFile(source + "/" + path), "\(path)") }
    #expect(!Files.exists(source + "/assets"))
    #expect(try Files.target(ofLink: source + "/.apt/usr/bin/hi") == "hello")
    #expect(
      try Files.target(ofLink: source + "/.apt/usr/bin/node") == "../../../.heroku/node/bin/node")
    #expect(
      result.lines.contains(
        " !     '.apt/usr/bin/awk' of earlier buildpacks left out: links may not lead out of the slug"
      ))
    #expect(try Files.info(source + "/.apt/usr/bin/hello")?.isExecutable == true)
  }

  @Test func namesVariablesThatAreMissing() throws {
    let host = try BuildHost(Sample.all.first { $0.name == "burrow" }.unsafelyUnwrapped)
    let need = " !     BURROW_KEY is not set (backend/config/runtime.exs:6)"
    func lines(_ place: String) throws -> [String] {
      let result = try host.run(
        "compile", [try host.unpack(place), host.cache, host.variables],
        environment: ["RELPACK_BOOT_CHECK": "off"])
      try #require(result.exit == .code(0), "\(result.lines)")
      return result.lines.filter { $0.contains(" is not set (") }
    }
    #expect(try lines("one") == [need])
    // The same slug, from the cache.
    #expect(try lines("two") == [need])
    try host.folder.write("env/BURROW_KEY", "set")
    try host.giveAway(host.variables)
    #expect(try lines("three") == [])
  }
}
