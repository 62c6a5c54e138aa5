import Events
import ReleaseModel

/// The address of prebuilt Erlang and Elixir: the Hex team's builds, or another with the same layout.
///
/// ```
/// otp/amd64/ubuntu-22.04/builds.txt    OTP-25.3.2.tar.gz
/// elixir/builds.txt                    v1.14.5-otp-25.zip
/// ```
/// Source: hexpm/bob, "Elixir builds", "Erlang builds".
struct ToolchainSource: Hashable {
  static let standard = "https://builds.hex.pm/builds"

  /// Without a slash at its end.
  let base: String
  /// Its name in messages: the host or the path.
  let name: String
  /// The protocols that curl may use, also after a redirect.
  let protocols: String

  init(url: String?) throws(Cause) {
    let chosen = url.map(Self.trimmed).flatMap { $0.isEmpty ? nil : $0 }
    var base = chosen ?? Self.standard
    if base.hasPrefix("file:/"), !base.hasPrefix("file://") {
      base = "file://" + base.dropFirst("file:".count)
    }
    while base.hasSuffix("/") { base.removeLast() }
    let halves = base.split(separator: "://", maxSplits: 1).map(String.init)
    let isPlain = base.utf8.allSatisfy {
      (33...126).contains($0) && !"\"\\`<>{}|^?#".utf8.contains($0)
    }
    guard isPlain, halves.count == 2, let rest = halves.last,
      let protocols = Self.allowed[halves[0]], halves[0] != "file" || rest.hasPrefix("/")
    else {
      throw Cause(
        .buildConfig, "the config var RELPACK_TOOLCHAIN_URL is not an address",
        remedy: "Write https://HOST/PATH, or file:/PATH, with otp/ and elixir/ below it.")
    }
    (self.base, self.protocols) = (base, protocols)
    let host = rest.prefix { $0 != "/" }
    name = host.isEmpty ? rest : String(host.split(separator: "@").last ?? host)
  }

  private static let allowed = [
    "https": "=https", "http": "=http,https", "file": "=file",
  ]

  private static func trimmed(_ text: String) -> String {
    String(text.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
  }

  /// The address for messages, without a name and password.
  func shown(_ path: String) -> String {
    guard let mark = base.firstRange(of: "://"), let at = base.lastIndex(of: "@") else {
      return base + "/" + path
    }
    return base[..<mark.upperBound] + base[base.index(after: at)...] + "/" + path
  }
}

/// The kind of host for which Erlang/OTP was built.
struct ToolchainPlatform: Hashable {
  /// `ubuntu-22.04`
  let system: String
  /// `amd64`
  let machine: String

  var path: String { "otp/\(machine)/\(system)" }

  /// - Parameters:
  ///   - stack: Heroku's `STACK`.
  ///   - release: the bytes of `/etc/os-release`. os-release(5)
  init(stack: String?, release: [UInt8]?) throws(Cause) {
    machine = ["x86_64": "amd64", "aarch64": "arm64"][Manifest.Target.host.arch] ?? "amd64"
    if let year = stack.flatMap(Self.year) {
      system = "ubuntu-\(year).04"
      return
    }
    let facts = Self.facts(release ?? [])
    guard let system = Self.system(facts) else {
      let name = facts["PRETTY_NAME"] ?? facts["ID"] ?? "this system"
      throw Cause(
        .toolchain, "there are no prebuilt Erlang and Elixir for \(name.prefix(60))",
        remedy: "Build on Ubuntu or Debian, or on an image that has Erlang and Elixir.")
    }
    self.system = system
  }

  /// The year in a stack's name: 22 for `heroku-22`.
  private static func year(_ stack: String) -> Int? {
    guard stack.hasPrefix("heroku-"), let year = Int(stack.dropFirst("heroku-".count)) else {
      return nil
    }
    return (20...98).contains(year) ? year : nil
  }

  private static func facts(_ bytes: [UInt8]) -> [String: String] {
    var facts: [String: String] = [:]
    for line in String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
      guard let equals = line.firstIndex(of: "=") else { continue }
      let value = line[line.index(after: equals)...].filter { $0 != "\"" && $0 != "'" }
      facts[String(line[..<equals])] = String(value)
    }
    return facts
  }

  /// The newest Ubuntu whose C library and OpenSSL are not newer than the system's.
  private static func system(_ facts: [String: String]) -> String? {
    let version = facts["VERSION_ID"].flatMap { ToolVersion($0) }
    switch facts["ID"] {
    case "ubuntu":
      guard let year = version?.major, year >= 20, year <= 98 else { return nil }
      return "ubuntu-\(year / 2 * 2).04"
    case "debian":
      // The glibc of these versions of Debian is 2.31, 2.36, 2.41; that of Ubuntu is 2.31, 2.35, 2.39.
      return [11: "ubuntu-20.04", 12: "ubuntu-22.04", 13: "ubuntu-24.04"][version?.major ?? 0]
    default:
      let names = ["focal": "20", "jammy": "22", "noble": "24", "resolute": "26"]
      return facts["UBUNTU_CODENAME"].flatMap { names[$0] }.map { "ubuntu-\($0).04" }
    }
  }
}
