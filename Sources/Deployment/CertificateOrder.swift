import Events
import Glibc
import HomeLayout
import Instance
import Posix
import Router

/// An order of a certificate at an authority that speaks ACME (RFC 8555), by the program `dehydrated`.
///
/// The authority asks each host for a token over plain HTTP. The router answers it from a map, for the hosts of the order
/// only. `dehydrated` runs as a user of its own, sees nothing else of the home, and never gets the certificate's key: it
/// is given a request for a signature.
public struct CertificateOrder {
  private let home: Home
  private let hosts: [String]
  /// The URL of the authority's directory.
  private let authority: String
  /// A file with the certificate that the authority's own server is checked by; nil for those of the host.
  private let root: String?
  private let report: (String) -> Void

  public static let letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory"

  /// - Parameter report: called with each line of progress.
  public init(
    home: Home, hosts: [String], authority: String, root: String?,
    report: @escaping (String) -> Void
  ) {
    (self.home, self.hosts, self.authority) = (home, hosts, authority)
    (self.root, self.report) = (root, report)
  }

  private var folder: RouterFolder { home.router }
  /// What `dehydrated` reads, and what it writes: the key of its account.
  private var files: String { folder.acme + "/files" }
  private var account: String { folder.acme + "/account" }

  /// Milliseconds for the whole order.
  private static let limit: Int64 = 180_000

  /// Orders it and stores it with its key.
  /// - Throws: `RT-CERTIFICATE` with the authority's answer, or if another order is under way.
  public func place() throws(Cause) -> CertificateFile {
    let lock: Lock?
    do throws(PosixError) {
      try Files.makeFolder(folder.acme, mode: 0o755)
      lock = try Lock.take(folder.acme + "/lock")
    } catch { throw Cause(error, as: .homeUnwritable) }
    guard let lock else {
      throw Cause(
        .certificate, "another certificate is being ordered", remedy: "Try again in a minute.")
    }
    defer { withExtendedLifetime(lock) {} }
    let key = try OpenSSL.run(
      ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1"], of: "a key")
    let user = try AppUser.ofAuthorityClient(in: home)
    do throws(PosixError) { try prepare(user) } catch { throw Cause(error, as: .homeUnwritable) }
    try writeRequest(key)
    try run(["--register", "--accept-terms"], user)
    let chain = try run(["--signcsr", files + "/request"], user)
    return try store(chain, key)
  }

  // MARK: - What dehydrated reads

  private func prepare(_ user: AppUser?) throws(PosixError) {
    try Files.makeFolder(files, mode: 0o755)
    try Files.makeFolder(account + "/tokens")
    if let user {
      try Files.setOwner(account, user.id)
      try Files.setOwner(account + "/tokens", user.id)
      try user.openWay(to: [files, account])
    }
    let own = root.map { _ in "CURL_OPTS=\"--cacert \(files)/root\"\n" } ?? ""
    if let root { try write("root", try Files.read(root, limit: 1 << 20)) }
    let config = """
      CA="\(authority)"
      BASEDIR="\(account)"
      WELLKNOWN="\(account)/tokens"
      CHALLENGETYPE=http-01
      HOOK="\(files)/hook"
      \(own)
      """
    try write("config", Array(config.utf8))
    try write("hook", Array(Self.hook.utf8), mode: 0o755)
  }

  private func write(_ name: String, _ bytes: [UInt8], mode: mode_t = 0o644) throws(PosixError) {
    try Files.replace(files + "/" + name, with: bytes, mode: mode, isDurable: false)
  }

  /// Tells this process of a token, and waits until the router answers it.
  private static let hook = """
    #!/bin/sh
    if [ "$1" = deploy_challenge ]; then
      echo "reltui-challenge $2 $3 $4" >&2
      read -r answer
    fi

    """

  /// The key goes through a file that only this user can read: openssl(1) takes it from nowhere else.
  private func writeRequest(_ key: String) throws(Cause) {
    let path = folder.certificates + "/order-" + Random.hex(4)
    defer { try? Files.remove(path) }
    do throws(PosixError) {
      try Files.makeFolder(folder.certificates)
      try Files.replace(path, with: Array(key.utf8), isDurable: false)
    } catch { throw Cause(error, as: .homeUnwritable) }
    let names = hosts.map { "DNS:\($0)" }.joined(separator: ",")
    // The name of the subject has 64 bytes at most, and no program looks at it.
    let request = try OpenSSL.run(
      ["req", "-new", "-key", path, "-subj", "/", "-addext", "subjectAltName=\(names)"],
      of: "a request")
    do throws(PosixError) { try write("request", Array(request.utf8)) } catch {
      throw Cause(error, as: .homeUnwritable)
    }
  }

  // MARK: - Running it

  /// - Returns: what it printed.
  @discardableResult
  private func run(_ words: [String], _ user: AppUser?) throws(Cause) -> [String] {
    let invocation = Invocation(
      ["dehydrated", "--config", files + "/config"] + words, in: "/",
      environment: ["PATH": Invocation.standardPath, "LANG": "C.UTF-8", "HOME": account],
      as: user?.confinement(reading: files, writing: account))
    guard (try? invocation.program()) != nil else {
      throw Cause(
        .toolMissing, "dehydrated, which orders certificates, is not installed",
        remedy: "Install it: apt-get install dehydrated")
    }
    let (exit, lines): (Exit, [String])
    do throws(PosixError) { (exit, lines) = try converse(invocation) } catch {
      throw Cause(error, as: .certificate)
    }
    if exit == .code(0) { return lines }
    throw Self.failure(lines, authority)
  }

  /// Runs it, and gives the router the tokens that it tells.
  private func converse(_ invocation: Invocation) throws(PosixError) -> (Exit, [String]) {
    var tokens = OrderTokens(folder, hosts: hosts)
    defer { tokens.withdraw() }
    let (input, answers) = try File.pipe()
    let (child, output) = try invocation.startPiped(
      input: .file(input), newSession: true, deathSignal: .kill)
    let end = Clock.monotonic() + Self.limit
    var (splitter, lines) = (LineSplitter(), [String]())
    while try Poll.isReady(Poll.Interest(output.descriptor), before: end) {
      let part = try output.read(upTo: 65_536)
      if part.isEmpty { break }
      for line in splitter.feed(part) {
        lines.append(line)
        if line.hasPrefix(" + ") { report(String(line.dropFirst(3))) }
        if tokens.publish(line) { try answers.write([UInt8(ascii: "\n")]) }
      }
    }
    child.signalGroup(.kill)
    return (child.wait(until: end), lines)
  }

  /// What the authority complained of: the detail of its answer, or the last words of `dehydrated`.
  static func failure(_ lines: [String], _ authority: String) -> Cause {
    let detail = lines.last { $0.hasPrefix("[\"error\",\"detail\"]") || $0.contains("\"detail\":") }
    let words = detail.flatMap { line in
      line.firstRange(of: line.hasPrefix("[") ? "]" : "\"detail\":").map { line[$0.upperBound...] }
    }
    let said =
      words ?? lines.last { $0.hasPrefix("ERROR: ") }?.dropFirst(7) ?? lines.last?[...] ?? ""
    var text = said.drop { " \t\"".contains($0) }.prefix(400)
    while let last = text.last, "\", ".contains(last) { text.removeLast() }
    let wasAsked = lines.contains { $0.contains("Challenge is invalid") }
    return Cause(
      .certificate, "no certificate from \(authority): \(text)",
      remedy: wasAsked
        ? "The authority must reach each host over HTTP on port 80: its name must lead here, and the router must listen (relctl router listen http=80 https=443)."
        : nil,
      evidence: [
        Cause.Evidence(
          kind: "log", place: "dehydrated", text: lines.suffix(20).joined(separator: "\n"))
      ])
  }

  private func store(_ lines: [String], _ key: String) throws(Cause) -> CertificateFile {
    let path = folder.certificates + "/order-" + Random.hex(4)
    defer { try? Files.remove(path) }
    do throws(PosixError) {
      // The first key counts, whatever was printed.
      let text = key + lines.joined(separator: "\n") + "\n"
      try Files.replace(path, with: Array(text.utf8), isDurable: false)
    } catch { throw Cause(error, as: .homeUnwritable) }
    let file = try CertificateFile(path)
    if Set(file.hosts) != Set(hosts) {
      throw Cause(
        .certificate, "\(authority) gave a certificate for \(file.hosts.joined(separator: ", "))")
    }
    let certificate = Certificate(name: hosts[0], hosts: file.hosts, until: file.until)
    do throws(PosixError) {
      try Files.replace(folder.certificates + "/" + certificate.file, with: file.bytes)
    } catch { throw Cause(error, as: .homeUnwritable) }
    return file
  }
}

/// The tokens that the router answers for an order.
struct OrderTokens {
  private let folder: RouterFolder
  private let hosts: [String]
  private var keys: [String] = []

  init(_ folder: RouterFolder, hosts: [String]) { (self.folder, self.hosts) = (folder, hosts) }

  /// Lets the router answer the token that a line of the hook tells.
  /// - Returns: whether it does.
  mutating func publish(_ line: String) -> Bool {
    guard let (key, value) = Self.entry(line, hosts: hosts) else { return false }
    keys.append(key)
    // A HAProxy that starts meanwhile reads the file.
    let text = (try? Files.readIfThere(folder.tokens)).flatMap { $0 } ?? []
    try? Files.replace(
      folder.tokens, with: text + Array("\(key) \(value)\n".utf8), isDurable: false)
    return command("add map \(RouterConfig.tokensMap) \(key) \(value)")
  }

  /// `reltui-challenge HOST TOKEN PROOF`: the host must be one of the order, and the proof begins with the token.
  /// RFC 8555, 8.1
  static func entry(_ line: String, hosts: [String]) -> (key: String, value: String)? {
    let words = line.split(separator: " ").map(String.init)
    guard words.count == 4, words[0] == "reltui-challenge", hosts.contains(words[1]),
      isToken(words[2][...]), words[3].hasPrefix(words[2] + "."),
      isToken(words[3].dropFirst(words[2].count + 1))
    else { return nil }
    return ("\(words[1])/\(words[2])", words[3])
  }

  private static func isToken(_ text: Substring) -> Bool {
    (1...256).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        switch byte {
        case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
      }
  }

  /// Takes back what was published.
  mutating func withdraw() {
    if keys.isEmpty { return }
    for key in keys { _ = command("del map \(RouterConfig.tokensMap) \(key)") }
    try? Files.replace(folder.tokens, with: [], isDurable: false)
    keys = []
  }

  private func command(_ command: String) -> Bool {
    guard let number = RouterStatus(of: folder)?.serving?.number else { return false }
    return (try? AdminSocket(folder, number: number).run([command])) != nil
  }
}
