import Events
import Glibc
import Posix
import ReleaseModel
import SlugStore
import TestSupport
import Testing

@testable import Buildpack

/// A mix release that is built once. Each test writes its `releases/0.1.0/runtime.exs`, the run-time configuration, and its
/// `start.exs`, the code of its application.
enum Actor {
  static let built: Result<TemporaryFolder, any Error> = Result {
    let folder = try TemporaryFolder("actor", inMemory: true)
    try folder.write(
      "source/mix.exs",
      """
      defmodule Actor.MixProject do
        use Mix.Project
        def project, do: [app: :actor, version: "0.1.0", start_permanent: true]
        def application, do: [mod: {Actor, []}, extra_applications: [:logger]]
      end
      """)
    try folder.write("source/config/config.exs", "import Config\n")
    try folder.write("source/config/runtime.exs", "import Config\n")
    try folder.write(
      "source/lib/actor.ex",
      """
      defmodule Actor do
        use Application
        def start(_, _) do
          Code.eval_file(Path.join(System.fetch_env!("RELEASE_ROOT"), "start.exs"))
          Supervisor.start_link([], strategy: :one_for_one)
        end
      end
      """)
    let result = try Invocation(
      ["mix", "release", "--quiet", "--path", folder.path + "/release"],
      in: folder.path + "/source",
      environment: Environment.current.merging(["MIX_ENV": "prod", "HOME": folder.path]) { $1 }
    ).run(limit: 120_000)
    guard result.isSuccess else { throw Unexpected(sentence: result.text) }
    return folder
  }

  /// A relx release that starts nothing of its own, with a name and a cookie of its own in vm.args.
  static let relx: Result<TemporaryFolder, any Error> = Result {
    let folder = try TemporaryFolder("relx", inMemory: true)
    try folder.write(
      "rebar.config",
      """
      {deps, []}.
      {relx, [{release, {player, "1.0.0"}, [player, sasl]}, {mode, prod}, \
      {vm_args, "config/vm.args"}]}.
      """)
    try folder.write("config/vm.args", "-sname player\n-setcookie theirs\n+sbwt none\n")
    try folder.write(
      "src/player.app.src",
      """
      {application, player, [{description, ""}, {vsn, "1.0.0"}, {registered, []}, \
      {mod, {player, []}}, {applications, [kernel, stdlib]}]}.
      """)
    try folder.write(
      "src/player.erl",
      """
      -module(player).
      -export([start/2, stop/1, init/1]).
      start(_, _) -> supervisor:start_link(?MODULE, []).
      stop(_) -> ok.
      init([]) -> {ok, {{one_for_one, 1, 1}, []}}.
      """)
    let result = try Invocation(
      ["rebar3", "as", "prod", "release"], in: folder.path,
      environment: Environment.current.merging(["HOME": folder.path]) { $1 }
    ).run(limit: 120_000)
    guard result.isSuccess else { throw Unexpected(sentence: result.text) }
    try Files.rename(folder.path + "/_build/prod/rel/player", to: folder.path + "/release")
    return folder
  }
}

/// A release to boot, in a folder of its own.
final class Playhouse: Sendable {
  let folder: TemporaryFolder
  var tree: String { folder.path + "/slug" }
  var scratch: String { folder.path + "/scratch" }

  init(
    _ built: Result<TemporaryFolder, any Error> = Actor.built, start: String = "",
    runtime: String = ""
  ) throws {
    folder = try TemporaryFolder("playhouse", inMemory: true)
    try FileTree.copy(try built.get().path + "/release", to: tree)
    try folder.write("slug/start.exs", start)
    if Files.exists(tree + "/releases/0.1.0") {
      try folder.write("slug/releases/0.1.0/runtime.exs", "import Config\n" + runtime)
    }
  }

  /// - Parameter change: changes the request.
  func request(_ change: (inout BootCheck.Request) -> Void = { _ in }) throws -> BootCheck.Request {
    let releases = try ManifestBuilder.otpReleases(in: tree)
    var request = BootCheck.Request(
      tree: tree, releases: releases,
      processes: releases.prefix(1).map {
        Procfile.Entry(process: "web", command: "\($0.startCommand) \($0.startArgument)")
      }, scratch: scratch, program: try Workspace.program("relpack"))
    request.limit = 30_000
    change(&request)
    return request
  }

  func check(_ change: (inout BootCheck.Request) -> Void = { _ in }) throws -> [BootCheck.Result] {
    let before = try content
    let results = try BootCheck.begin(try request(change)).end()
    #expect(try content == before)
    #expect(!Files.exists(scratch) && leftovers == [])
    return results
  }

  private var content: [String] {
    get throws {
      try FileTree.entries(of: tree).map { "\($0.path) \($0.info.mode) \($0.info.size)" }
    }
  }

  /// The outcome of the only release.
  func outcome(_ change: (inout BootCheck.Request) -> Void = { _ in }) throws -> BootCheck.Outcome {
    let results = try check(change)
    return try #require(results.count == 1 ? results.first?.outcome : nil, "\(results)")
  }

  /// The cause of the only release's failure.
  func failure(_ change: (inout BootCheck.Request) -> Void = { _ in }) throws -> Cause {
    let outcome = try outcome(change)
    guard case .failed(let cause) = outcome else {
      throw Unexpected(sentence: "\(outcome)")
    }
    return cause
  }

  /// Processes that belong to the boot check, by their words or their environment.
  var leftovers: [String] {
    ProcessTable.all().filter { $0.state != "Z" && $0.pid != getpid() }.compactMap { process in
      let words = ProcessTable.words(of: process.pid)
      let all = words + ProcessTable.environment(of: process.pid)
      return all.contains { $0.contains(scratch) } ? words.joined(separator: " ") : nil
    }
  }
}

func variable(_ name: String, _ need: Manifest.Variable.Need = .required, line: Int = 2)
  -> Manifest.Variable
{
  Manifest.Variable(name: name, need: need, file: "config/runtime.exs", line: line)
}

struct Unexpected: Error { var sentence: String }
