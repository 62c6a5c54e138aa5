import Events
import Posix
import TestSupport
import Testing

/// Deployments of archives of built OTP releases, as mix and rebar3 make them.
@Suite(.waitsForPrograms) struct ArchiveTests {
  let stage: Stage

  init() throws { stage = try Stage("archive") }

  private func shell(_ script: String) throws {
    let result = try Invocation(
      ["sh", "-ec", script], in: stage.folder.path,
      environment: stage.environment.merging(["MIX_ENV": "prod"]) { $1 }
    ).run(limit: 120_000)
    if !result.isSuccess { throw Cause(.system, result.text) }
  }

  private func deploy(_ archive: String, _ process: String) throws {
    let answer = try stage.relctl("deploy", "shop", archive)
    try #require(answer.exit == .code(0), "\(answer.errors)\(answer.output)")
    #expect(
      answer.lines.first == "-----> Taking the built OTP release in '\(archive)' as it is"
        && answer.lines.contains("       web: \(process)"), "\(answer.output)")
    #expect(try stage.ready().map(\.instance.description) == ["web.1"])
    let slug = try #require(try stage.events().last { $0.type == .slugStored }?.data)
    #expect(slug.folder == stage.folder.path + "/" + archive && slug.commit == nil)
    let tree = stage.home.slugs + "/\(slug.slug ?? "")/tree"
    #expect(Files.exists(tree + "/releases/start_erl.data"))
    #expect(!Files.exists(tree + "/releases/COOKIE"))
    #expect(try stage.builds() == [])
  }

  @Test func mixArchiveRuns() throws {
    try stage.folder.write("demo/lib/demo.ex", "defmodule Demo do\nend\n")
    try stage.folder.write(
      "demo/mix.exs",
      """
      defmodule Demo.MixProject do
        use Mix.Project
        def project, do: [app: :demo, version: "0.1.0", deps: [], releases: releases()]
        def application, do: []
        defp releases, do: [demo: [steps: [:assemble, :tar]]]
      end
      """)
    try shell("cd demo && mix release && cp _build/prod/demo-0.1.0.tar.gz ..")
    try shell("tar -tzf demo-0.1.0.tar.gz | grep -qx releases/COOKIE")
    try deploy("demo-0.1.0.tar.gz", "bin/demo start")
    let first = try stage.events().last { $0.type == .slugStored }?.data.slug
    try shell("gunzip -c demo-0.1.0.tar.gz | zstd -q > demo.tar.zst")
    let again = try stage.relctl("build", "demo.tar.zst", "--json")
    #expect(again.output == #"{"slug":"\#(first ?? "")"}"# + "\n")
  }

  @Test func rebar3ArchiveRuns() throws {
    try stage.folder.write(
      "demo/rebar.config", "{relx, [{release, {demo, \"0.1.0\"}, [demo]}, {mode, prod}]}.\n")
    try stage.folder.write(
      "demo/src/demo.app.src",
      "{application, demo, [{vsn, \"0.1.0\"}, {applications, [kernel, stdlib]}]}.\n")
    try shell("cd demo && rebar3 as prod tar && cp _build/prod/rel/demo/demo-0.1.0.tar.gz ..")
    try deploy("demo-0.1.0.tar.gz", "bin/demo foreground")
  }

  static let refused: [(script: String, exit: Int32, said: String)] = [
    (
      "mkdir -p a/demo/releases; touch a/demo/releases/start_erl.data; tar -C a -czf x demo", 65,
      "'x' holds neither a slug of this buildpack nor a built OTP release at its top "
        + "[RT-SOURCE-UNKNOWN]"
    ),
    ("echo text > x", 65, "'x' cannot be unpacked: tar: This does not look like a tar archive"),
    ("mkfifo x", 69, "cannot build './x': it is neither a folder nor a file [RT-SOURCE-MISSING]"),
  ]

  @Test(arguments: refused.indices) func badArchivesAreRefusedWithoutLeftovers(_ index: Int) throws
  {
    let (script, exit, said) = Self.refused[index]
    try shell(script)
    let answer = try stage.relctl("deploy", "shop", said.contains("./x") ? "./x" : "x")
    #expect(answer.exit == .code(exit) && answer.errors.contains(said), "\(answer.errors)")
    #expect(!Files.exists(stage.home.slugs) && !Files.exists(stage.home.events))
    #expect(try stage.builds() == [])
  }
}
