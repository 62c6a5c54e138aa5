/// A BEAM's command line, read as `init` reads it. `erl` adds to it the flags from `ERL_FLAGS` and similar variables.
///
/// Source: "init" (erts reference manual), `init.erl`, `erlexec.c`.
struct BeamArguments: Hashable, Sendable {
  private var flags: [String: [[String]]] = [:]
  /// The words after `-extra`, which belong to the application.
  private var extra: [String] = []

  /// - Parameter words: those of `/proc/PID/cmdline`, the program first.
  init(_ words: [String]) {
    var flag: String?
    var values: [String] = []
    func end(_ flags: inout [String: [[String]]]) {
      if let flag { flags[flag, default: []].append(values) }
      (flag, values) = (nil, [])
    }
    for (index, word) in words.enumerated().dropFirst() {
      if word == "-extra" {
        extra = Array(words[(index + 1)...])
        break
      }
      if word.hasPrefix("-") {
        end(&flags)
        flag = word == "--" ? nil : String(word.dropFirst())
      } else if flag != nil {
        values.append(word)
      }
    }
    end(&flags)
  }

  /// The values of a flag, each time it is given.
  func all(_ flag: String) -> [[String]] { flags[flag] ?? [] }

  func has(_ flag: String) -> Bool { flags[flag] != nil }

  /// The value of a flag where it is given first; nil if there it has no value or several.
  func first(_ flag: String) -> String? {
    guard let values = all(flag).first, values.count == 1 else { return nil }
    return values.first
  }

  /// A configuration parameter of an application, `-kernel inet_dist_listen_min 9100`.
  func parameter(_ name: String, of application: String) -> String? {
    for values in all(application) {
      for index in stride(from: 0, to: values.count - 1, by: 2) where values[index] == name {
        return values[index + 1]
      }
    }
    return nil
  }

  enum Name: Hashable {
    case short(String)
    case long(String)
  }

  /// `-sname` takes precedence over `-name`, and the first of several counts. With `undefined` the first peer gives the
  /// node its name. Source: `erl_distribution.erl`.
  var name: Name? {
    if let name = all("sname").first?.first { return name == "undefined" ? nil : .short(name) }
    if let name = all("name").first?.first { return name == "undefined" ? nil : .long(name) }
    return nil
  }

  enum CookieSource: Hashable {
    case word(String)
    /// The file `.erlang.cookie`; it is the default if no cookie was given.
    case file(isDefault: Bool)
    case none
  }

  /// A single `-setcookie COOKIE` counts; if there are several, the VM reads the file. With two words it sets the
  /// cookie of another node. Source: `auth.erl`.
  var cookie: CookieSource {
    let own = all("setcookie").filter { $0.count < 2 }
    if own.count == 1, let word = own.first?.first { return .word(word) }
    if has("nocookie") { return .none }
    return .file(isDefault: own.isEmpty)
  }

  private var carrier: String { all("proto_dist").first?.first ?? "inet_tcp" }
  var isIPv6: Bool { carrier.hasPrefix("inet6_") }
  var isTLS: Bool { carrier == "inet_tls" || carrier == "inet6_tls" }
  var tlsFile: String? { first("ssl_dist_optfile") }

  /// Whether other nodes can connect to it at all, `-dist_listen false`.
  var isListening: Bool { all("dist_listen").first?.first != "false" }

  /// The port it listens on without an epmd.
  var fixedPort: UInt16? { port("erl_epmd_port") }
  /// The flag that `erl` makes from `ERL_EPMD_PORT`.
  var epmdPort: UInt16? { port("epmd_port") }

  private func port(_ flag: String) -> UInt16? {
    guard let port = first(flag).flatMap({ UInt16($0) }), port > 0 else { return nil }
    return port
  }

  /// The ports that it may listen on.
  var range: ClosedRange<UInt16>? {
    guard let low = parameter("inet_dist_listen_min", of: "kernel").flatMap({ UInt16($0) }) else {
      return nil
    }
    let high = parameter("inet_dist_listen_max", of: "kernel").flatMap { UInt16($0) }
    return low...max(low, high ?? low)
  }

  /// The address it listens on, in digits, `-kernel inet_dist_use_interface {127,0,0,1}`.
  var interface: String? {
    guard let term = parameter("inet_dist_use_interface", of: "kernel"), term.hasPrefix("{"),
      term.hasSuffix("}")
    else { return nil }
    let parts = term.dropFirst().dropLast().split(separator: ",")
      .map { part in UInt16(part.filter { $0 != " " }) }
    let numbers = parts.compactMap(\.self)
    guard numbers.count == parts.count else { return nil }
    if numbers.count == 4, numbers.allSatisfy({ $0 < 256 }) {
      return numbers.map(String.init).joined(separator: ".")
    }
    guard numbers.count == 8 else { return nil }
    return numbers.map { String($0, radix: 16) }.joined(separator: ":")
  }

  /// The folder of the OTP release's own files: `/app/releases/0.1.0` of `-boot /app/releases/0.1.0/start`.
  var releaseFolder: String? {
    guard let boot = first("boot"), boot.hasPrefix("/") else { return nil }
    let parts = boot.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count >= 3, parts[parts.count - 3] == "releases" else { return nil }
    return parts.dropLast().joined(separator: "/")
  }

  /// Whether it is a shell on another node, Erlang's or IEx.
  var isRemoteShell: Bool { has("remsh") || extra.contains("--remsh") }

  /// The HOME it was started with.
  var home: String? { first("home") }
}
