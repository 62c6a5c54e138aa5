/// What failed in an application and why, decoded from Erlang's reason or from Elixir's words for it.
struct Failure: Hashable {
  /// The application that could not be started, or that ended.
  var application: String?
  /// The children that failed, from the application's supervisor down. Modules are written as in Elixir: `Shop.Repo`.
  var children: [String] = []
  /// The function that starts the application, if no child of it failed: `Shop.Application.start/2`.
  var callback: String?
  var problem: Problem
  /// The innermost call first.
  var frames: [Frame] = []
  /// Whether what failed had started before.
  var isAfterStart = false

  struct Frame: Hashable {
    /// As Erlang names it: `Elixir.Shop.Repo`.
    var module: String
    /// `Shop.Repo.init/1`
    var function: String
    var file: String?
    var line: Int?
    /// As Elixir's stack traces name it; nil if the frame comes from a term.
    var application: String?

    init(
      module: String, function: String, file: String? = nil, line: Int? = nil,
      application: String? = nil
    ) {
      (self.module, self.function, self.file) = (module, function, file)
      (self.line, self.application) = (line, application)
    }
  }

  enum Problem: Hashable {
    case exception(module: String, message: String)
    /// An error of the network or of files by its POSIX or inet name, such as `econnrefused`.
    case system(String, Address)
    case missingVariable(String)
    /// No connection to its database became free in so many milliseconds.
    case noConnection(of: String?, milliseconds: Int?)
    /// A server refused the connection, with these words: `Postgres`.
    case refused(by: String, words: String)
    /// A file could not be used: `read`, its path, the name of the error.
    case file(verb: String, path: String, error: String)
    /// Source code that cannot be read.
    case syntax(file: String, line: Int, words: String)
    case undefined(module: String, function: String)
    case killed
    /// The process that was called and did not answer in time; nil if it is not known.
    case noAnswer(from: String?)
    case notRunning(String)
    /// The name that two children of a supervisor share.
    case sameChild(String)
    /// A module's `on_load` function failed with these words.
    case onLoad(module: String, words: String)
    /// Any other reason, as the language of the release writes it.
    case other(String)
  }

  /// Where something could not connect to or listen.
  struct Address: Hashable {
    var host: String?
    var port: UInt16?
    /// What answers there, if it is known: `Redis`.
    var service: String?

    /// `Redis at 127.0.0.1:6379`, `the server at 127.0.0.1:6379`, `the server`
    var server: String {
      guard let text else { return "the server" }
      return service == nil ? "the server at \(text)" : text
    }

    /// `Redis at 127.0.0.1:6379`; nil if nothing is known of it.
    var text: String? {
      let place: String? =
        switch (host, port) {
        case (let host?, let port?): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case (let host?, nil): host
        case (nil, let port?): "port \(port)"
        case (nil, nil): nil
        }
      return service.map { service in service + (place.map { " at \($0)" } ?? "") } ?? place
    }
  }

  /// Adds what Elixir's words for the same failure say: the message of an exception, and the applications of its stack.
  mutating func take(_ written: Failure) {
    if case .exception(_, let message) = problem, message.isEmpty { problem = written.problem }
    // The VM's own words may be mixed up with those of another process.
    if case .other = problem { problem = written.problem }
    if !written.frames.isEmpty { frames = written.frames }
    if case .system(let name, let address) = problem, case .system(name, let said) = written.problem
    {
      problem = .system(
        name,
        Address(
          host: address.host ?? said.host, port: address.port ?? said.port,
          service: address.service ?? said.service))
    }
  }

  /// The most specific name of what failed: of the children the last one that is a module of Elixir, or the last one.
  var subject: String? {
    children.last { $0.first?.isUppercase == true } ?? children.last ?? callback
  }
}

/// Names of modules and functions as their language writes them.
enum CodeName {
  /// `Elixir.Shop.Repo` as `Shop.Repo`; names of Erlang's modules stay.
  static func module(_ name: some StringProtocol) -> String {
    name.hasPrefix("Elixir.") ? String(name.dropFirst(7)) : String(name)
  }

  /// `Shop.Repo.init/1`, `gen_tcp:connect/4`. Functions that the compiler made for anonymous ones get the name of the
  /// function around them.
  static func function(_ module: String, _ function: String, _ arity: Int?) -> String {
    var (name, count) = (function, arity.map { "/\($0)" } ?? "")
    if name.hasPrefix("-"), let slash = name.firstIndex(of: "/") {
      let around = name[name.index(after: slash)...].prefix { $0.isNumber }
      (name, count) = (String(name.dropFirst().prefix { $0 != "/" }), "/\(around)")
    }
    return self.module(module) + (module.hasPrefix("Elixir.") ? "." : ":") + name + count
  }
}

/// The names of errors, as POSIX and Erlang's `inet` have them, in words.
enum SystemWords {
  static let connecting: [String: String] = [
    "econnrefused": "connection refused", "nxdomain": "no such host",
    "etimedout": "connection timed out", "timeout": "connection timed out",
    "ehostunreach": "no route to host", "enetunreach": "network is unreachable",
    "ehostdown": "host is down",
  ]
  /// Names of errors that are used for other things, too.
  static let common: Set<String> = ["timeout", "closed"]

  /// Errors of a connection that was there before.
  static let losing: [String: String] = [
    "closed": "it was closed", "econnreset": "connection reset by peer",
    "econnaborted": "connection aborted", "epipe": "broken pipe",
  ]
  static let listening: [String: String] = [
    "eaddrinuse": "address already in use", "eaddrnotavail": "this host does not have the address",
  ]
  static let files: [String: String] = [
    "enoent": "no such file or directory", "eacces": "permission denied",
    "erofs": "read-only file system", "enospc": "no space left on device",
    "eisdir": "it is a folder", "enotdir": "a part of its path is no folder",
    "emfile": "too many open files", "enfile": "too many open files on this host",
    "eperm": "operation not permitted", "enomem": "not enough memory",
    "edquot": "disk quota exceeded", "eexist": "file exists", "eio": "input/output error",
  ]

  static func words(_ name: String) -> String? {
    connecting[name] ?? losing[name] ?? listening[name] ?? files[name]
  }

  /// Errors of execve(2).
  static func words(errno: Int32) -> String {
    switch errno {
    case 2: "no such file or directory"
    case 8: "it is no program for this host"
    case 12: "not enough memory"
    case 13: "permission denied"
    default: "error \(errno) of the system"
    }
  }

  /// The name of an error from the words that libraries print for it.
  static func name(of words: String) -> String? {
    let words = words.lowercased()
    if words.contains("non-existing domain") { return "nxdomain" }
    let isOfAConnection = words.contains("connect")
    func isTelling(_ name: String) -> Bool { isOfAConnection || !common.contains(name) }
    // `:econnrefused`
    let atoms = words.split { !($0.isLetter || $0.isNumber || $0 == "_" || $0 == ":") }
      .filter { $0.first == ":" }.map { String($0.dropFirst()) }
    if let name = atoms.first(where: { self.words($0) != nil && isTelling($0) }) { return name }
    return all.first { words.contains($0.value) && isTelling($0.key) }?.key
  }

  /// The longest words first, so that a name does not depend on the order of a dictionary.
  private static let all = [connecting, losing, listening, files].joined().sorted {
    ($1.value.count, $0.key) < ($0.value.count, $1.key)
  }
}
