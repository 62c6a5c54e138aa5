import Events
import Posix
import SlugStore

/// A verified archive of tools, which is unpacked into a tree that can be moved.
struct ToolchainArchive {
  let path: String
  /// An empty folder on the file system of the toolchain store.
  let folder: String
  let name: String
  let interrupts: Signals?

  /// Milliseconds that a new tool may take to print its version or to unpack an archive.
  private static let patience: Int64 = 120_000
  private static let greatestElixir = 512 << 20

  func installErlang(_ version: ToolVersion) throws(Cause) -> String {
    let tree = try top(of: try unpackTar())
    let scripts = try erlangScripts(tree)
    if Files.exists(tree + "/Install") {
      // `Install` writes a fixed path into the scripts. It is replaced below, so that the tree can be moved.
      try run(
        ["sh", "./Install", "-cross", "-minimal", "/otp"], in: tree, doing: "cannot be installed")
    }
    do throws(PosixError) {
      for (script, depth) in scripts {
        let text = String(decoding: try Files.read(script, limit: 65_536), as: UTF8.self)
        try Files.remove(script)
        let file = try File.open(script, .create, mode: 0o755)
        try file.write(ErlScript.movable(text, depth: depth))
      }
      try setModes(tree)
    } catch { throw Cause(error, as: .toolchain) }
    let question =
      "{ok,_}=application:ensure_all_started(crypto),"
      + "io:format(\"~ts~n\",[erlang:system_info(otp_release)]),halt()."
    let answer = try run(
      [tree + "/bin/erl", "-noshell", "-noinput", "-eval", question], in: folder,
      doing: "does not run here")
    guard answer.last == String(version.major) else {
      throw failure("says that it is OTP \((answer.last ?? "").prefix(40))")
    }
    return tree
  }

  private func unpackTar() throws(Cause) -> String {
    let unpacked = folder + "/unpacked"
    do throws(Cause) {
      if try SlugArchive(path, interrupts: interrupts).unpack(to: unpacked) { return unpacked }
    } catch {
      if error.id == ProblemID.diskFull.rawValue { throw error }
      throw failure("cannot be unpacked: \(error.sentence)")
    }
    throw Cause(.buildInterrupted, "the build was stopped by a signal")
  }

  /// The only folder at the top, or the folder itself if the tools are at the top.
  private func top(of folder: String) throws(Cause) -> String {
    let names = (try? Files.list(folder, skippingOthers: true)) ?? []
    if let name = names.first, names.count == 1, Files.isFolder(folder + "/" + name) {
      return folder + "/" + name
    }
    return folder
  }

  /// Both copies of `erl`, with their depth in the tree.
  private func erlangScripts(_ tree: String) throws(Cause) -> [(path: String, depth: Int)] {
    let names = (try? Files.list(tree, skippingOthers: true)) ?? []
    guard let runtime = names.first(where: { $0.hasPrefix("erts-") }),
      Files.isExecutableFile("\(tree)/\(runtime)/bin/erlexec")
    else { throw failure("holds no Erlang/OTP") }
    return [(tree + "/bin/erl", 1), ("\(tree)/\(runtime)/bin/erl", 2)]
  }

  /// - Parameter erlang: the folder with the `erl` for this Elixir. That `erl` also unpacks the archive, because an
  ///   image may have no unzip.
  func installElixir(erlang: String) throws(Cause) -> String {
    let unpacked = folder + "/unpacked"
    try Cause.explaining(Files.makeFolder(unpacked), as: .toolchain)
    try run(
      [
        erlang + "/erl", "-noshell", "-noinput", "-eval", Self.unzip, "-extra", path, unpacked,
        String(Self.greatestElixir),
      ], in: folder, doing: "cannot be unpacked")
    let tree = try top(of: unpacked)
    guard Files.exists(tree + "/bin/mix"), InstalledTools.elixir(at: tree) != nil else {
      throw failure("holds no Elixir")
    }
    do throws(PosixError) {
      // The archive may not record which files are executable.
      for name in try Files.list(tree + "/bin") { try Files.setMode(tree + "/bin/" + name, 0o755) }
      try setModes(tree)
    } catch { throw Cause(error, as: .toolchain) }
    try run(
      [tree + "/bin/elixir", "-e", "{_, 0} = {System.version(), 0}"], in: folder,
      path: erlang + ":", doing: "does not run here")
    return tree
  }

  private static let unzip = #"""
    [Zip, Folder, Most] = init:get_plain_arguments(),
    Bad = fun(Why) -> io:format("~ts~n", [Why]), halt(1) end,
    {ok, List} = zip:list_dir(Zip),
    Files = [{element(2, File), element(2, element(3, File))} || File <- List, element(1, File) =:= zip_file],
    [Bad(["it holds the path ", Name]) || {Name, _} <- Files,
      filename:pathtype(Name) =/= relative orelse lists:member("..", filename:split(Name))],
    lists:sum([Size || {_, Size} <- Files]) > list_to_integer(Most) andalso Bad("it is too large"),
    length(Files) > 20000 andalso Bad("it has too many files"),
    {ok, _} = zip:unzip(Zip, [{cwd, Folder}]),
    halt(0).
    """#

  private func setModes(_ tree: String) throws(PosixError) {
    try Files.setMode(tree, 0o755)
    try FileTree.setPlainModes(tree)
  }

  /// - Returns: the lines that the program printed.
  @discardableResult
  private func run(
    _ arguments: [String], in directory: String, path: String = "", doing problem: String
  ) throws(Cause) -> [String] {
    let environment = [
      "PATH": path + Invocation.standardPath, "HOME": folder, "LANG": "C.UTF-8",
      "ERL_CRASH_DUMP_SECONDS": "0",
    ]
    var lines: [String] = []
    let ending: Tool.Ending
    do throws(PosixError) {
      let invocation = Invocation(
        arguments, in: directory, environment: environment)
      ending = try Tool(invocation: invocation, interrupts: interrupts).run(
        deadline: Clock.monotonic() + Self.patience
      ) { line in if lines.count < 50 { lines.append(line) } }
    } catch { throw Cause(error) }
    switch ending {
    case .interrupted(let signal): throw Cause(interruptedBy: signal)
    case .exit(.code(0)): return lines
    case .exit, .cut, .expired:
      throw Cause(ifDiskIsFull: folder) ?? failure(problem, said: lines)
    }
  }

  private func failure(_ text: String, said lines: [String] = []) -> Cause {
    let first = lines.first { !$0.isEmpty }.map { ": \($0.prefix(200))" } ?? ""
    return Cause(
      .toolchain, "\(name) \(text)\(first)",
      remedy: "Choose another version, or an image that has Erlang and Elixir.")
  }
}
