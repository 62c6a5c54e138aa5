import TestSupport
import Testing

@testable import ErlangDistribution
@testable import Observation
@testable import Posix

// What was read of a process is made up here; only Discovery makes it otherwise.

@Suite struct BeamArgumentsTests {
  static func words(_ line: String) -> [String] { line.split(separator: " ").map(String.init) }

  static let mix = """
    /app/erts-13.1.5/bin/beam.smp -sbwt none -Q 16384 -- -root /app -bindir /app/erts-13.1.5/bin \
    -progname erl -- -home /home/app -epmd_port 4370 -- -kernel inet_dist_use_interface {127,0,0,1} \
    -- -noshell -s elixir start_cli -mode embedded -setcookie unused -name app@10.0.0.7 \
    -config /app/releases/0.1.0/sys -boot /app/releases/0.1.0/start -boot_var RELEASE_LIB \
    /app/lib -- -- -setcookie x -- -extra --no-halt -name extra@host
    """
  static let relx = """
    /opt/r/erts-13.1/bin/beam.smp -A 30 -- -root /opt/r -bindir /opt/r/erts-13.1/bin -progname \
    opt/r/bin/r -- -home /root -- -noshell -noinput -boot /opt/r/releases/2.0/start -mode embedded \
    -boot_var SYSTEM_LIB_DIR /opt/r/lib -config /opt/r/releases/2.0/sys.config -sname r \
    -setcookie r_cookie -- -- foreground
    """
  static let rabbit = """
    /usr/lib/erlang/erts-13/bin/beam.smp -W w -MBas ageffcbf -- -root /usr/lib/erlang -bindir \
    /usr/lib/erlang/erts-13/bin -progname erl -- -home /var/lib/rabbitmq -- -pa  -noshell -noinput \
    -s rabbit boot -boot start_sasl -syslog logger [] -kernel inet_dist_listen_min 25672 -kernel \
    inet_dist_listen_max 25672
    """
  static let ejabberd = """
    /usr/lib/erlang/erts-13/bin/beam.smp -K true -P 250000 -- -root /usr/lib/erlang -progname erl \
    -- -home /var/lib/ejabberd -- -sname ejabberd@localhost -smp auto -mnesia dir "/var/lib" \
    -s ejabberd -noshell
    """
  static let iex = """
    beam.smp -- -root /usr/lib/erlang -progname erl -- -home /home/ana -- -elixir_root /usr/lib \
    -noshell -s elixir start_iex -sname dev -user elixir -remsh a@b -hidden -extra --no-halt +iex
    """

  @Test func realCommandLines() {
    let cases: [(String, BeamArguments.Name?, BeamArguments.CookieSource, String?)] = [
      (Self.mix, .long("app@10.0.0.7"), .file(isDefault: false), "/app/releases/0.1.0"),
      (Self.relx, .short("r"), .word("r_cookie"), "/opt/r/releases/2.0"),
      (Self.rabbit, nil, .file(isDefault: true), nil),
      (Self.ejabberd, .short("ejabberd@localhost"), .file(isDefault: true), nil),
      (Self.iex, .short("dev"), .file(isDefault: true), nil),
    ]
    for (line, name, cookie, folder) in cases {
      let arguments = BeamArguments(Self.words(line))
      #expect(arguments.name == name && arguments.cookie == cookie, "\(line)")
      #expect(arguments.releaseFolder == folder, "\(line)")
    }
    let mix = BeamArguments(Self.words(Self.mix))
    #expect(mix.interface == "127.0.0.1" && mix.epmdPort == 4370 && mix.home == "/home/app")
    #expect(BeamArguments(Self.words(Self.rabbit)).range == 25672...25672)
    let iex = BeamArguments(Self.words(Self.iex))
    #expect(iex.isRemoteShell && iex.has("hidden") && !iex.has("no-halt"))
  }

  @Test func wordsOfAllKinds() {
    typealias Check = (BeamArguments) -> Bool
    let cases: [(String, Check)] = [
      ("b -name a@b -sname c", { $0.name == .short("c") }),
      ("b -name a@b -name c@d", { $0.name == .long("a@b") }),
      ("b -name undefined", { $0.name == nil }),
      ("b -name", { $0.name == nil }),
      ("b -- -name", { $0.name == nil }),
      ("-name a@b", { $0.name == nil }),
      ("b -extra -name a@b", { $0.name == nil }),
      ("b -setcookie", { $0.cookie == .file(isDefault: false) }),
      ("b -nocookie", { $0.cookie == .none }),
      ("b -nocookie -setcookie c", { $0.cookie == .word("c") }),
      ("b -setcookie a@b c -setcookie d", { $0.cookie == .word("d") }),
      ("b -proto_dist inet6_tls", { $0.isTLS && $0.isIPv6 }),
      ("b -proto_dist inet_tls -ssl_dist_optfile /f", { $0.isTLS && $0.tlsFile == "/f" }),
      ("b -proto_dist inet6_tcp", { !$0.isTLS && $0.isIPv6 }),
      ("b -erl_epmd_port 0", { $0.fixedPort == nil }),
      ("b -erl_epmd_port 65536", { $0.fixedPort == nil }),
      ("b -erl_epmd_port 4711", { $0.fixedPort == 4711 }),
      ("b -kernel inet_dist_listen_min", { $0.range == nil }),
      ("b -kernel inet_dist_listen_min 9 inet_dist_listen_max 2", { $0.range == 9...9 }),
      ("b -kernel x y inet_dist_listen_min 7", { $0.range == 7...7 }),
      (
        "b -kernel inet_dist_use_interface {0,0,0,0,0,0,0,1}",
        { $0.interface == "0:0:0:0:0:0:0:1" }
      ),
      ("b -kernel inet_dist_use_interface {1,2,3}", { $0.interface == nil }),
      ("b -kernel inet_dist_use_interface {1,2,3,256}", { $0.interface == nil }),
      ("b -kernel inet_dist_use_interface {", { $0.interface == nil }),
      ("b -extra --remsh x@y", { $0.isRemoteShell }),
      ("b -extra", { !$0.isRemoteShell && !$0.has("extra") }),
      ("b -boot /start", { $0.releaseFolder == nil }),
      ("b -boot releases/1/start", { $0.releaseFolder == nil }),
      ("b -boot /releases/1/start", { $0.releaseFolder == "/releases/1" }),
    ]
    for (line, check) in cases { #expect(check(BeamArguments(Self.words(line))), "\(line)") }
  }

  /// No word can hurt.
  @Test func hostileWords() {
    var random = Scramble(25)
    let flags = [
      "", "-", "--", "---", "-name", "-sname", "-setcookie", "-kernel", "-boot", "-extra", "{", "}",
      "inet_dist_listen_min", "inet_dist_use_interface", "-erl_epmd_port", "-1", "99999999999", "@",
      "-proto_dist", "-home", "{,}", "/releases//", "a@b@c",
    ]
    for _ in 0..<3000 {
      let words = (0..<Int.random(in: 0...9, using: &random)).map { _ in
        Bool.random(using: &random) ? flags.randomElement(using: &random) ?? "" : random.text(4)
      }
      var facts = BeamFacts(
        process: ProcessIdentity(pid: 1, started: 1), arguments: BeamArguments(words))
      facts.controlGroups = random.text(40)
      facts.hostName = random.text(3)
      let node = FoundNode(facts)
      #expect(node.port != nil || node.cause != nil)
    }
  }
}

@Suite struct BeamFactsTests {
  static func facts(_ line: String, _ change: (inout BeamFacts) -> Void = { _ in }) -> FoundNode {
    var facts = BeamFacts(
      process: ProcessIdentity(pid: 7, started: 1),
      arguments: BeamArguments(BeamArgumentsTests.words(line)))
    (facts.hostName, facts.owner, facts.user) = ("prod-1.example.net", 1000, "ana")
    facts.registered = .success([EPMD.Node(name: "x", port: 4711)])
    facts.cookieFile = Cookie("c").map { .success($0) }
    change(&facts)
    return FoundNode(facts)
  }

  @Test func names() {
    let cases: [(String, String, String?, String?)] = [
      ("b -sname x", "prod-1.example.net", nil, "x@prod-1"),
      ("b -name x", "prod-1.example.net", nil, "x@prod-1.example.net"),
      ("b -name x", "prod-1", "example.net", "x@prod-1.example.net"),
      ("b -name x", "prod-1", nil, nil),
      ("b -sname x@y", "prod-1", nil, "x@y"),
      ("b -name x@y.z", "prod-1", nil, "x@y.z"),
      ("b -name @y.z", "prod-1", nil, nil),
      ("b -name x@", "prod-1", nil, nil),
    ]
    for (line, host, domain, name) in cases {
      let node = Self.facts(line) { ($0.hostName, $0.domain) = (host, domain) }
      #expect(node.name?.description == name, "\(line)")
      #expect((node.cause == nil) == (name != nil), "\(line)")
    }
  }

  @Test func aProcessThatWeMayNotReadInto() {
    let hidden = Self.facts("b -sname x") { ($0.isReadable, $0.cookieFile) = (false, nil) }
    #expect(hidden.name?.description == "x@prod-1" && hidden.port == 4711 && hidden.cookie == nil)
    #expect(hidden.cause?.id == "RT-NODE-HIDDEN")
    #expect(hidden.cause?.sentence == "only the node's user ana may read its cookie")
    #expect(hidden.cause?.remedy == "Run as root, or as user ana.")
    let root = Self.facts("b -sname x") { ($0.owner, $0.cookieFile) = (0, nil) }
    #expect(root.cause?.remedy == "Run as root.")
    let open = Self.facts("b -sname x -setcookie s") {
      ($0.isReadable, $0.cookieFile) = (false, nil)
    }
    #expect(open.cause == nil && open.cookie == Cookie("s"))
    let late = Self.facts("b -s rabbit boot") { $0.isReadable = false }
    #expect(late.cause?.remedy == "Run as root, or as user ana.")
  }

  @Test func ports() {
    func listener(
      _ port: UInt16, owner: UInt32 = 1000, inode: UInt64 = 5, address: String = "0.0.0.0"
    ) -> Listener { Listener(address: address, port: port, owner: owner, inode: inode) }
    let unregistered = Result<[EPMD.Node], PosixError>.success([])
    let dead = PosixError("connect to", "127.0.0.1:4369", .refused)
    let cases: [(String, (inout BeamFacts) -> Void, UInt16?, String?)] = [
      ("of epmd", { $0.listeners = [listener(4711), listener(80)] }, 4711, nil),
      ("taken", { $0.listeners = [listener(4711, owner: 0)] }, nil, "RT-NODE-HIDDEN"),
      ("unknown", { $0.registered = unregistered }, nil, "RT-NODE-UNREACHABLE"),
      (
        "its only socket",
        {
          ($0.registered, $0.sockets) = (.failure(dead), [5])
          $0.listeners = [listener(9000), listener(80, inode: 6)]
        }, 9000, nil
      ),
      (
        "one of two",
        {
          ($0.registered, $0.sockets) = (.failure(dead), [5, 6])
          $0.listeners = [listener(9000), listener(80, inode: 6)]
        }, nil, "RT-NODE-UNREACHABLE"
      ),
    ]
    for (name, change, port, problem) in cases {
      let node = Self.facts("b -sname x", change)
      #expect(node.port == port && node.cause?.id == problem, "\(name)")
    }
    let ranged = Self.facts("b -sname x -kernel inet_dist_listen_min 9000") {
      ($0.registered, $0.sockets) = (.failure(dead), [5, 6])
      $0.listeners = [listener(9000, address: "10.0.0.7"), listener(80, inode: 6)]
    }
    #expect(ranged.port == 9000 && ranged.host == "10.0.0.7")
    // The process that listens there would get the proof that we know the cookie.
    for (owner, problem) in [(0 as UInt32, "RT-NODE-HIDDEN"), (1000, nil)] {
      let fixed = Self.facts("b -sname x -erl_epmd_port 9000") {
        $0.listeners = [listener(9000, owner: owner)]
      }
      #expect(fixed.port == (problem == nil ? 9000 : nil) && fixed.cause?.id == problem)
    }
    let absent = Self.facts("b -sname x -erl_epmd_port 9000") { $0.listeners = [listener(80)] }
    #expect(absent.port == nil && absent.cause?.id == "RT-NODE-UNREACHABLE")
    let deaf = Self.facts("b -sname x -dist_listen false")
    #expect(deaf.port == nil && deaf.cause?.id == "RT-NODE-REFUSED")
    let six = Self.facts("b -sname x -proto_dist inet6_tcp") {
      $0.listeners = [listener(4711, address: "::")]
    }
    #expect(six.host == "::1" && six.isIPv6)
  }

  @Test func cookiesOfTheEnvironment() {
    let missing = Cookie.FileProblem.unreadable(
      PosixError("read", "/h/.erlang.cookie", .noSuchFile))
    let cases: [(String, Cookie.FileProblem, String?)] = [
      ("b -sname x", missing, "env"), ("b -sname x -setcookie a -setcookie b", missing, nil),
      ("b -sname x", .open(path: "/h/.erlang.cookie"), nil),
    ]
    for (line, problem, cookie) in cases {
      let node = Self.facts(line) {
        $0.cookieFile = .failure(problem)
        $0.environment["RELEASE_COOKIE"] = "env"
      }
      #expect(node.cookie == cookie.flatMap { Cookie($0) }, "\(line) \(problem)")
    }
  }

  @Test func releases() {
    let cases: [([String], [String: String], String?)] = [
      (["app.rel", "start.boot"], [:], "app"), ([], ["RELEASE_NAME": "env"], "env"),
      (["a.rel", "b.rel"], [:], nil),
    ]
    for (files, environment, name) in cases {
      let node = Self.facts("b -sname x -boot /app/releases/0.1.0/start") {
        ($0.releaseFiles, $0.environment) = (files, environment)
      }
      #expect(node.release?.name == name && node.release?.version == "0.1.0")
    }
  }

  @Test func places() {
    let id = "4f1c8bd0a6e24f1c8bd0a6e24f1c8bd0a6e24f1c8bd0a6e24f1c8bd0a6e24f1c"
    let cases: [(String, String?)] = [
      ("0::/system.slice/rabbitmq-server.service\n", "rabbitmq-server.service"),
      ("0::/system.slice/docker-\(id).scope\n", "docker 4f1c8bd0a6e2"),
      ("9:name=systemd:/docker/\(id)\n8:pids:/docker/\(id)\n", "docker 4f1c8bd0a6e2"),
      ("0::/machine.slice/libpod-\(id).scope/container\n", "podman 4f1c8bd0a6e2"),
      (
        "0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-\(id).scope\n",
        "containerd 4f1c8bd0a6e2"
      ),
      ("0::/user.slice/user-1000.slice/session-3.scope\n", nil),
      ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.service\n", "x.service"),
      ("0::/user.slice/user-1000.slice/user@1000.service\n", nil),
      ("0::/a\u{1b}[2J.service\n", nil), ("", nil), (":\n::\n0::\n", nil), ("0::/", nil),
    ]
    for (text, place) in cases { #expect(ControlGroup.place(text) == place, "\(text)") }
  }

  @Test func domains() {
    let cases = [
      ("", nil), ("nameserver 1.1.1.1\nsearch a.net b.net\n", "a.net"), ("domain\n", nil),
      ("domain x.y", "x.y"),
    ]
    for (text, domain) in cases { #expect(Discovery.domain(Array(text.utf8)) == domain) }
  }
}
