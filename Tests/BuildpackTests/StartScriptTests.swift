import Glibc
import Posix
import SlugStore
import TestSupport
import Testing

@testable import Buildpack
@testable import ReleaseModel

/// The two scripts of a slug in different shells.
@Suite struct StartScriptTests {
  static let shells: [[String]] = [["dash"], ["bash"], ["bash", "--posix"], ["busybox", "sh"]]
  static let strictness = ["", "set -e;", "set -u;", "set -eu;"]

  /// A slug in a folder whose name is difficult for shells.
  private let folder: TemporaryFolder
  private var slug: String { folder.path + "/it's a \"slug\" $HOME" }

  init() throws { folder = try TemporaryFolder("start", inMemory: true) }

  private func run(
    _ shell: [String], _ script: String, _ environment: [String: String], in folder: String = "/",
    user: uid_t? = nil
  ) throws -> (output: String, exit: Exit) {
    let variables = ["PATH": Invocation.standardPath].merging(environment) { $1 }
    let become = user.map { ["setpriv", "--reuid=\($0)", "--regid=\($0)", "--clear-groups"] } ?? []
    let result = try Invocation(
      become + shell + ["-c", script], in: folder, environment: variables
    ).run(limit: 20_000)
    return (result.text, result.exit)
  }

  // MARK: - env.sh

  private static let demo = release(.mix, "demo")
  private static let two = ["pear", "it's an apple"].map {
    release(.mix, $0, folder: "rel/\($0)")
  }

  private func env(
    _ shell: [String], _ set: String, show: String, before: String = "",
    of release: OTPRelease = demo, among releases: [OTPRelease] = [demo],
    _ environment: [String: String]
  ) throws -> String {
    let snippet = StartSnippet(release, among: releases)
    try folder.write("env.sh", snippet.head + before + snippet.tail)
    let root = release.folder.map { "\(slug)/\($0)" } ?? slug
    try Files.makeFolder(root)
    let own = ["RELEASE_ROOT": root, "RELEASE_NAME": "all", "RELEASE_COMMAND": "start"]
    let script = "\(set) . \(folder.path)/env.sh; printf %s \"\(show)\""
    return try run(shell, script, own.merging(environment) { $1 }).output
  }

  static let nodes: [(dyno: String?, own: String?, before: String, node: String)] = [
    (nil, nil, "", ""),
    ("", nil, "", ""),
    ("web.1", nil, "", "demo-web-1"),
    ("run.1234", nil, "", "demo-run-1234"),
    ("a b$(id)`é.2", nil, "", "demo-a-b--id---"),
    ("web.1", "mine@host", "", "mine@host"),
    ("web.1", nil, "export RELEASE_NODE=demo@127.0.0.1", "demo@127.0.0.1"),
  ]

  @Test(arguments: shells) func eachDynoHasItsOwnNodeName(_ shell: [String]) throws {
    for set in Self.strictness {
      for (dyno, own, before, node) in Self.nodes {
        var environment = ["RELEASE_COOKIE": "c"]
        environment["DYNO"] = dyno
        environment["RELEASE_NODE"] = own
        let found = try env(
          shell, set, show: "${RELEASE_NODE:-}", before: before, environment)
        // Shells differ in how many bytes a letter has.
        #expect(found == node || (dyno?.contains("é") == true && found.hasPrefix(node)), "\(shell)")
      }
    }
  }

  @Test(arguments: shells) func aPortIsForEvalAlone(_ shell: [String]) throws {
    for (command, port, expected) in [
      ("start", nil, ""), ("eval", nil, "0"), ("eval", "4000", "4000"), ("rpc", nil, ""),
      ("start", "80", "80"),
    ] {
      var environment = ["RELEASE_COOKIE": "c", "RELEASE_COMMAND": command]
      environment["PORT"] = port
      #expect(try env(shell, "set -eu;", show: "${PORT:-}", environment) == expected)
    }
  }

  @Test(arguments: shells) func theCookieIsFoundInEveryShell(_ shell: [String]) throws {
    for set in Self.strictness {
      let derived = try env(
        shell, set, show: "$RELEASE_COOKIE", ["SECRET_KEY_BASE": "it's \"a\" $key"])
      #expect(derived == Hex.encode(SHA256.digest(Array("cookie it's \"a\" $key".utf8))))
      let made = try env(shell, set, show: "$RELEASE_COOKIE", [:])
      #expect(made.utf8.count == 64)
      #expect(try env(shell, set, show: "$RELEASE_COOKIE", [:]) == made)
      #expect(try Files.info(slug + "/tmp/.demo.cookie")?.mode == 0o600)
      try Files.remove(slug + "/tmp")
      // If the slug cannot be written, another folder is used, but none behind a link.
      if User.isRoot {
        let home = slug + "/home"
        try Files.makeFolder(home, mode: 0o777)
        try Files.setMode(home, 0o777)
        let theirs = folder.path + "/theirs"
        try Files.makeFolder(theirs)
        try Files.setOwner(theirs, 65534)
        try Files.makeFolder(home + "/.cache", mode: 0o755)
        try Files.symbolicLink(to: theirs, at: home + "/.cache/demo")
        let temporary = folder.path + "/tmp"
        try Files.remove(temporary)
        try Files.makeFolder(temporary)
        try Files.setMode(temporary, 0o777)
        try Files.setMode(folder.path + "/env.sh", 0o644)
        try Files.setMode(slug, 0o755)
        let script = "\(set) . \(folder.path)/env.sh; printf %s \"$RELEASE_TMP\""
        let place = try run(
          shell, script,
          ["RELEASE_ROOT": slug, "RELEASE_NAME": "demo", "HOME": home, "TMPDIR": temporary],
          user: 65534)
        #expect(place.output == temporary + "/demo-65534", "\(shell) \(set)")
        try Files.remove(home)
      }
    }
  }

  /// RELEASE_NAME has the release's own name, although the config var chose several for the build.
  @Test(arguments: shells) func aReleaseHasItsOwnName(_ shell: [String]) throws {
    for set in Self.strictness {
      for release in [Self.demo] + Self.two {
        let found = try env(
          shell, set, show: "$RELEASE_NAME|$seen|$(sh -c 'echo $RELEASE_NAME')",
          before: "seen=$RELEASE_NAME\n", of: release, ["RELEASE_COOKIE": "c"])
        #expect(found == "\(release.name)|\(release.name)|\(release.name)", "\(shell) \(set)")
      }
    }
  }

  @Test(arguments: shells) func theReleasesOfASlugHaveOneCookie(_ shell: [String]) throws {
    let home = folder.path + "/home"
    func cookies(_ set: String, _ environment: [String: String]) throws -> [String] {
      try Self.two.map {
        try env(shell, set, show: "$RELEASE_COOKIE", of: $0, among: Self.two, environment)
      }
    }
    for set in Self.strictness {
      let derived = try cookies(set, ["SECRET_KEY_BASE": "key"])
      #expect(Set(derived) == [Hex.encode(SHA256.digest(Array("cookie key".utf8)))])
      let made = try cookies(set, [:])
      #expect(Set(made).count == 1 && made[0].utf8.count == 64, "\(shell) \(set)")
      let kept = slug + "/tmp/.it's an apple.cookie"
      #expect(try Files.info(kept)?.mode == 0o600)
      #expect(try Files.list(slug + "/tmp") == [".it's an apple.cookie"])
      // A cookie file of another user is not used.
      try Files.remove(kept)
      try folder.write("theirs", "known")
      try Files.symbolicLink(to: folder.path + "/theirs", at: kept)
      try Files.makeFolder(home)
      let elsewhere = try cookies(set, ["HOME": home])
      #expect(Set(elsewhere).count == 1 && !["known", made[0]].contains(elsewhere[0]))
      #expect(try Files.list(home + "/.cache/it's an apple") == [".it's an apple.cookie"])
      // A folder that the platform names comes first.
      let named = try cookies(set, ["HOME": home, "RELEASE_TMP": folder.path + "/named"])
      #expect(Set(named).count == 1 && named[0] != elsewhere[0])
      for path in [slug + "/tmp", home, folder.path + "/named"] { try Files.remove(path) }
    }
  }

  /// Many first starts at once get the same cookie.
  @Test func simultaneousFirstStartsShareOneCookie() throws {
    let snippet = StartSnippet(Self.demo, among: [Self.demo])
    try folder.write("env.sh", snippet.head + snippet.tail)
    try Files.makeFolder(slug)
    let script = """
      for n in 1 2 3 4 5 6 7 8; do (. \(folder.path)/env.sh; echo "$RELEASE_COOKIE") & done; wait
      """
    let result = try run(["dash"], script, ["RELEASE_ROOT": slug])
    #expect(Set(result.output.split(separator: "\n")).count == 1, "\(result.output)")
    #expect(result.output.utf8.count == 8 * 65)
  }

  // MARK: - .profile.d

  private static func release(_ kind: OTPRelease.Kind, _ name: String, folder: String? = nil)
    -> OTPRelease
  {
    var release = OTPRelease(
      name: name, version: "1", ertsVersion: "1", kind: kind, applications: [],
      startCommand: "bin/\(name)", startArgument: "start")
    release.folder = folder
    return release
  }

  private func profile(_ releases: [OTPRelease]) throws -> String {
    try Files.remove(slug)
    try ProfileScript.add(to: slug, releases)
    try Files.makeFolder(slug + "/bin")
    try Files.makeFolder(slug + "/.reltui")
    try File.open(slug + "/" + Manifest.path, .create).write("{}")
    // Its name has quotes, a link's has none.
    let link = folder.path + "/profile.sh"
    try Files.remove(link)
    try Files.symbolicLink(to: slug + "/.profile.d/reltui.sh", at: link)
    return link
  }

  @Test(arguments: shells) func thePathBeginsWithTheSlug(_ shell: [String]) throws {
    let file = try profile([
      Self.release(.mix, "a", folder: "rel/a"), Self.release(.mix, "b", folder: "rel/it's"),
    ])
    try Files.makeFolder(slug + "/rel/it's/bin")
    let path = Invocation.standardPath
    for set in Self.strictness {
      let script = "\(set) . \(file); printf '%s|%s' \"$PATH\" \"${LANG:-}\""
      let expected = "\(slug)/bin:\(slug)/rel/it's/bin:\(path)"
      let inside = try run(shell, script, [:], in: slug)
      #expect(inside.output == expected + "|C.UTF-8" && inside.exit == .code(0), "\(shell) \(set)")
      let outside = try run(shell, script, ["HOME": slug, "LC_ALL": "C"])
      #expect(outside.output == expected + "|", "\(shell) \(set)")
      let lost = try run(shell, script, [:])
      #expect(lost.output == path + "|C.UTF-8" && lost.exit == .code(0))
    }
  }

  @Test(arguments: shells) func aReleaseOfRelxFindsItsCookie(_ shell: [String]) throws {
    let file = try profile([Self.release(.relx, "demo")])
    let home = slug + "/home"
    let cookie = home + "/.erlang.cookie"
    let cases: [([String: String], String?)] = [
      ([:], nil),
      (["RELEASE_COOKIE": "it's $mine"], "it's $mine"),
      (["SECRET_KEY_BASE": "key"], Hex.encode(SHA256.digest(Array("cookie key".utf8))) + "\n"),
      (["SECRET_KEY_BASE": "key", "RELEASE_COOKIE": "mine"], "mine"),
    ]
    for set in Self.strictness {
      for (variables, expected) in cases {
        try Files.makeFolder(home)
        let script = "\(set) . \(file); umask"
        let result = try run(shell, script, variables.merging(["HOME": home]) { $1 })
        #expect(result.exit == .code(0) && result.output.hasSuffix("22\n"), "\(result)")
        #expect(
          try Files.readIfThere(cookie).map { String(decoding: $0, as: UTF8.self) } == expected)
        if expected != nil { #expect(try Files.info(cookie)?.mode == 0o600) }
        #expect(try Files.list(home) == (expected == nil ? [] : [".erlang.cookie"]))
        // An existing file stays.
        _ = try run(shell, script, ["HOME": home, "RELEASE_COOKIE": "another"])
        if let expected { #expect(try Files.read(cookie) == Array(expected.utf8)) }
        try Files.remove(home)
      }
      for variables in [["HOME": "/proc"], ["HOME": "/no/such"], ["HOME": ""], [:]] {
        let result = try run(
          shell, "\(set) . \(file); echo on", variables.merging(["SECRET_KEY_BASE": "k"]) { $1 })
        #expect(result.output == "on\n" && result.exit == .code(0), "\(shell) \(set)")
      }
    }
  }

  @Test func onlyReleasesOfRelxUseTheCookieFile() {
    #expect(!ProfileScript.text([Self.release(.mix, "demo")]).contains("erlang.cookie"))
  }

  @Test func theAppsOwnFilesStay() throws {
    let own = folder.path + "/own"
    for name in ["reltui.sh", "reltui-2.sh"] { try folder.write("own/.profile.d/" + name, "own") }
    try ProfileScript.add(to: own, [])
    #expect(
      try Files.list(own + "/.profile.d") == ["reltui-2.sh", "reltui-3.sh", "reltui.sh"])
    #expect(try Files.read(own + "/.profile.d/reltui.sh") == Array("own".utf8))
  }

  // MARK: - Cookies in vm.args

  @Test func aCookieInTheArgumentsIsFound() throws {
    try folder.write(
      "app/rel/a/releases/1/vm.args",
      "-name demo@127.0.0.1\n# -setcookie comment\n  -heart -setcookie demo # why\n-setcookie\n")
    try folder.write("app/rel/a/releases/1/vm.args.src", "-setcookie ${COOKIE}\n-setcookie ${X:-y}")
    try folder.write("app/releases/1/remote.vm.args", "-setcookie s3cret")
    try folder.write("app/releases/1/sys.config", "-setcookie no")
    let found = try CookieSearch.findings(
      in: folder.path + "/app",
      [Self.release(.relx, "a", folder: "rel/a"), Self.release(.mix, "b")])
    #expect(
      found == [
        .cookie(file: "rel/a/releases/1/vm.args", line: 3),
        .cookie(file: "rel/a/releases/1/vm.args.src", line: 2),
        .cookie(file: "releases/1/remote.vm.args", line: 1),
      ])
    #expect(found.allSatisfy { !$0.sentence.contains("s3cret") })
  }
}
