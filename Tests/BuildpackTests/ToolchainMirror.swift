import Glibc
import Posix
import ReleaseModel
import Synchronization
import TestSupport

/// A mirror of prebuilt Erlang and Elixir in the layout of the Hex team's, packed from this machine's own under other
/// numbers: `OTP-25.3.2` of its OTP 25, `v1.14.5-otp-25` of its Elixir.
final class ToolchainMirror: Sendable {
  static let shared = Result { try ToolchainMirror() }

  static let system = "amd64/ubuntu-22.04".replacing(
    "amd64", with: Manifest.Target.host.arch == "aarch64" ? "arm64" : "amd64")

  let folder: TemporaryFolder
  var url: String { "file:" + folder.path }
  /// A `PATH` with what tools need, and no Erlang.
  let bare: String

  private init() throws {
    folder = try TemporaryFolder("mirror", inMemory: true)
    bare = folder.path + "/bare"
    try Files.makeFolder(bare, mode: 0o755)
    for name in [
      "sh", "bash", "sed", "readlink", "dirname", "basename", "cp", "chmod", "env", "cat", "uname",
    ] {
      let path = try Invocation([name], environment: ["PATH": "/usr/bin:/bin"]).program()
      try Files.symbolicLink(to: path, at: bare + "/" + name)
    }
    try packErlang()
    try packElixir()
  }

  /// Erlang as it is before it is installed: no `bin/erl`, but a script that makes it.
  private func packErlang() throws {
    try shell(
      """
      out="$1/otp/$2" tree="$1/OTP-25.3.2"
      erl=$(readlink -f "$(command -v erl)"); root=$(dirname "$(dirname "$erl")")
      read -r erts major < "$root/releases/start_erl.data"
      mkdir -p "$out" "$tree/lib"
      cp -r "$root/erts-$erts" "$root/releases" "$tree/"
      for name in kernel stdlib compiler crypto sasl asn1 public_key ssl inets; do
        cp -rL "$root/lib/$name"-* "$tree/lib/"
      done
      find "$tree" -type d \\( -name include -o -name src -o -name examples \\) -prune \\
        -exec rm -rf {} +
      echo 25.3.2 > "$tree/releases/$major/OTP_VERSION"
      sed "s;$root;%FINAL_ROOTDIR%;" "$erl" > "$tree/erts-$erts/bin/erl.src"
      rm "$tree/erts-$erts/bin/erl"
      cat > "$tree/Install" <<END
      #!/bin/sh
      test "\\$1 \\$2" = "-cross -minimal" || exit 2
      sed "s;%FINAL_ROOTDIR%;\\$3;" erts-$erts/bin/erl.src > erts-$erts/bin/erl || exit 1
      chmod 755 erts-$erts/bin/erl
      mkdir -p bin && cd bin || exit 1
      for name in erl erlc escript; do cp -p ../erts-$erts/bin/\\$name . || exit 1; done
      cp -p ../releases/$major/*.boot . && cp -p start_clean.boot start.boot
      END
      chmod 755 "$tree/Install"
      tar -C "$1" -c OTP-25.3.2 | gzip -1 > "$out/OTP-25.3.2.tar.gz"
      rm -r "$tree"
      set -- "$out" $(sha256sum "$out/OTP-25.3.2.tar.gz")
      cat > "$1/builds.txt" <<END
      OTP-24.3.4 0863bd30 2024-04-26T03:41:09Z
      OTP-25.3 5400ccf2 2024-04-26T01:22:29Z
      OTP-25.3.2 0418c10e 2024-04-26T01:18:13Z $2
      OTP-26.0-rc1 12702600 2024-04-26T00:03:12Z $2
      maint-25 cee6d023 2024-05-02T14:04:45Z $2
      END
      """)
  }

  private func packElixir() throws {
    try shell(
      """
      out="$1/elixir"
      root=$(dirname "$(dirname "$(readlink -f "$(command -v elixir)")")")
      mkdir -p "$out" "$1/elixir-tree"
      cp -rL "$root/bin" "$root/lib" "$1/elixir-tree/"
      sed -i 's/{vsn,[^}]*}/{vsn,"1.14.5"}/' "$1/elixir-tree/lib/elixir/ebin/elixir.app"
      cd "$1/elixir-tree"
      zip -1 -q -r "$out/v1.14.5-otp-25.zip" .
      rm -r "$1/elixir-tree"
      set -- "$out" $(sha256sum "$out/v1.14.5-otp-25.zip")
      cat > "$1/builds.txt" <<END
      main 3d7f4ddd 2024-05-11T09:35:09Z $2
      v1.14-otp-25 84bfbe3b 2020-10-16T11:00:03Z $2
      v1.14.5 3d7f4ddd 2024-05-11T09:35:09Z $2
      v1.14.5-otp-24 3d7f4ddd 2024-05-11T09:35:09Z $2
      v1.14.5-otp-25 3d7f4ddd 2024-05-11T09:35:09Z $2
      END
      """)
  }

  private func shell(_ script: String) throws {
    let invocation = Invocation(
      ["bash", "-euo", "pipefail", "-c", script, "bash", folder.path, Self.system],
      environment: ["PATH": Environment.current["PATH"] ?? ""])
    let result = try invocation.run()
    if !result.isSuccess { throw PosixError("pack", result.text, .invalid) }
  }

  /// The bytes of one of its files.
  func bytes(_ path: String) throws -> [UInt8] { try Files.read(folder.path + "/" + path) }
}

/// A mirror on the network, with an answer for each path. It counts the requests.
final class MirrorServer: Sendable {
  enum Answer: Sendable {
    case bytes([UInt8])
    /// Fewer bytes than were announced.
    case cut([UInt8])
    case status(String)
    case redirect(String)
    /// A body that does not end.
    case endless
  }

  private let server: LoopbackServer
  private let seen: Paths
  var url: String { "http://127.0.0.1:\(server.port)" }
  /// The requested paths.
  var paths: [String] { seen.all.withLock { $0 } }

  private final class Paths: Sendable { let all = Mutex<[String]>([]) }

  init(_ answer: @escaping @Sendable (String) -> Answer) throws {
    let seen = Paths()
    self.seen = seen
    server = try LoopbackServer(talking: { client in
      let request = String(decoding: try client.read(upTo: 65_536), as: UTF8.self)
      let path = String(request.split(separator: " ").dropFirst().first ?? "/").dropFirst()
      seen.all.withLock { $0.append(String(path)) }
      switch answer(String(path)) {
      case .bytes(let body): Self.send(client, "200 OK", length: body.count, body)
      case .cut(let body): Self.send(client, "200 OK", length: body.count + 10, body)
      case .status(let status): Self.send(client, status, length: 0, [])
      case .redirect(let target):
        Self.send(client, "302 Found\r\nLocation: \(target)", length: 0, [])
      case .endless:
        let body = [UInt8](repeating: 65, count: 1 << 20)
        Self.send(client, "200 OK", length: nil, [])
        while Self.send(client, body) {}
      }
    })
  }

  private static func send(_ client: File, _ status: String, length: Int?, _ body: [UInt8]) {
    let size = length.map { "Content-Length: \($0)\r\n" } ?? ""
    let head = "HTTP/1.1 \(status)\r\nConnection: close\r\n\(size)\r\n"
    if send(client, Array(head.utf8)) { _ = send(client, body) }
  }

  /// - Returns: false if the client has closed the connection.
  @discardableResult
  private static func send(_ client: File, _ bytes: [UInt8]) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(
          client.descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      if count <= 0 { return false }
      sent += count
    }
    return true
  }
}
