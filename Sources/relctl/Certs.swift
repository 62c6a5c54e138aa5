import CommandLine
import Deployment
import Events
import HomeLayout
import Journal
import Operations
import Posix
import Router

extension Command {
  static let certs = Command(
    CommandSyntax(
      "certs", "", "show the certificates of the router",
      details: """
        Their hosts, until when they are valid, and which domains of apps none of them names.
        """, options: [.json])
  ) { call throws(Cause) in
    try call.showCertificates()
  }

  static let certsAdd = Command(
    CommandSyntax(
      "certs add", "CERTIFICATE [KEY] | HOST… --acme", count: 1...50,
      "give the router a certificate for TLS",
      details: """
        Examples: relctl certs add fullchain.pem privkey.pem
                  relctl certs add shop.example.com www.shop.example.com --acme

        CERTIFICATE is a file in PEM with the certificate and its chain, KEY the file with its private key
        if that is another one. The router chooses a certificate by the name that a client asks for. One for
        the same first host is replaced. The key is copied into the home, readable by its owner only; it is
        never in the log.

        With --acme the certificate is ordered from Let's Encrypt, or from the authority with the directory
        that --directory names, whose terms you accept thereby. The authority asks each host over HTTP on
        port 80, so the router must listen there. The agent renews it after two thirds of its time.
        """,
      options: [
        Option("--acme", "order it for these hosts"),
        Option("--directory", value: "URL", "the authority's directory (default: Let's Encrypt)"),
        Option("--ca-file", value: "FILE", "check the authority's own server by this certificate"),
        .detach, .json,
      ])
  ) { call throws(Cause) in
    let certificate =
      call.arguments.has("--acme") ? try call.orderedCertificate() : try call.ownCertificate()
    let outcome = try call.request(ChangeCertificates(.add, certificate))
    if !call.wantsJSON, let until = certificate.until {
      call.context.print("\(certificate.hosts.joined(separator: ", ")) until \(until)")
    }
    if try call.board().router?.https == nil {
      call.context.note(
        "  The router does not listen for TLS yet: relctl router listen http=80 https=443")
    }
    return outcome
  }

  static let certsRenew = Command(
    CommandSyntax(
      "certs renew", "NAME", count: 1...1, "order a certificate again",
      details:
        "NAME is its first host, as relctl certs shows it. The agent does it by itself in time.",
      options: [.detach, .json])
  ) { call throws(Cause) in
    let name = call.arguments.positional[0]
    let known = try call.board().certificates ?? []
    guard let certificate = known.first(where: { $0.name == name }) else {
      throw Refusal.noCertificate(name, has: known.map(\.name)).cause
    }
    guard let authority = certificate.authority else {
      throw Cause(
        .certificate, "the certificate of \(name) was not ordered from an authority",
        remedy: "Add the next one: relctl certs add CERTIFICATE KEY")
    }
    do throws(Cause) {
      let new = try call.order(certificate.hosts, from: authority)
      return try call.request(ChangeCertificates(.add, new))
    } catch {
      let journal = EventJournal(home: try call.home(), program: "relctl")
      _ = try journal.append(
        .certificateFailed, app: nil, EventData { ($0.domain, $0.cause) = (name, error) })
      throw error
    }
  }

  static let certsRemove = Command(
    CommandSyntax(
      "certs rm", "NAME", count: 1...1, "take a certificate from the router",
      details: "NAME is its first host, as relctl certs shows it. Its key is removed, too.",
      options: [.detach, .json])
  ) { call throws(Cause) in
    let name = call.arguments.positional[0]
    guard let certificate = Certificate(name: name, [:]) else {
      throw Refusal.noCertificate(name, has: try call.board().certificates?.map(\.name) ?? []).cause
    }
    let outcome = try call.request(ChangeCertificates(.remove, certificate))
    if outcome.exitCode == ExitCode.success {
      let folder = try call.home().router.certificates
      for file in [certificate.file, "\(certificate.name).ca"] {
        try? Files.remove(folder + "/" + file)
      }
    }
    return outcome
  }
}

extension CommandCall {
  /// The certificate in the operator's files.
  fileprivate func ownCertificate() throws(Cause) -> Certificate {
    let files = arguments.positional.map(context.absolute)
    if files.count > 2 {
      throw Cause(
        .usage, "a certificate has two files at most", remedy: "relctl certs add CERTIFICATE KEY")
    }
    let file = try CertificateFile(files[0], key: files.count > 1 ? files[1] : nil)
    if file.until < Timestamp(milliseconds: Clock.now()) {
      throw Cause(.certificate, "the certificate for \(file.name) ended at \(file.until)")
    }
    let certificate = Certificate(name: file.name, hosts: file.hosts, until: file.until)
    let folder = try home().router
    do throws(PosixError) {
      try Files.makeFolder(folder.certificates)
      try Files.replace(folder.certificates + "/" + certificate.file, with: file.bytes)
    } catch { throw Cause(error, as: .homeUnwritable) }
    return certificate
  }

  fileprivate func orderedCertificate() throws(Cause) -> Certificate {
    let hosts = try arguments.positional.map { word throws(Cause) -> String in
      guard let domain = Domain(word), domain.prefix.isEmpty, !domain.isDefault, !domain.isWildcard
      else {
        throw Cause(
          .usage, "'\(word)' is no host that a certificate can be ordered for",
          remedy: "An authority asks each host over HTTP, so a wildcard cannot be ordered.")
      }
      return domain.host
    }
    if try board().router?.http == nil {
      throw Cause(
        .certificate, "an authority asks over HTTP, and the router does not listen for other hosts",
        remedy: "relctl router listen http=80 https=443")
    }
    if let file = arguments["--ca-file"].map(context.absolute) {
      let (folder, root) = (try home().router, try rootFile(of: hosts[0]))
      do throws(PosixError) {
        try Files.makeFolder(folder.certificates)
        try Files.replace(root, with: try Files.read(file, limit: 1 << 20))
      } catch { throw Cause(error, as: .certificate) }
    }
    return try order(hosts, from: arguments["--directory"] ?? CertificateOrder.letsEncrypt)
  }

  /// The certificate by which the authority's server is checked.
  private func rootFile(of host: String) throws(Cause) -> String {
    try home().router.certificates + "/\(host).ca"
  }

  fileprivate func order(_ hosts: [String], from authority: String) throws(Cause) -> Certificate {
    guard authority.hasPrefix("https://"), !authority.contains(where: { "\"$`\\ \n".contains($0) })
    else {
      throw Cause(
        .usage, "'\(authority)' is no URL of a directory", remedy: "It begins with https://")
    }
    let root = try rootFile(of: hosts[0])
    let order = CertificateOrder(
      home: try home(), hosts: hosts, authority: authority, root: Files.isFile(root) ? root : nil
    ) { line in
      if !wantsJSON { context.print(shown("       \(line)")) }
    }
    let file = try order.place()
    return Certificate(name: hosts[0], hosts: file.hosts, until: file.until, authority: authority)
  }

  /// A certificate as `certs --json` prints it.
  private struct Report: Encodable {
    var name: String
    var hosts: [String]
    var until: Timestamp?
    var endsSoon: Bool
    var authority: String?
    var cause: Cause?
  }

  fileprivate func showCertificates() throws(Cause) -> Outcome {
    let board = try board()
    let (known, now) = (board.certificates ?? [], Timestamp(milliseconds: Clock.now()))
    if wantsJSON {
      return report(
        json: known.map {
          Report(
            name: $0.name, hosts: $0.hosts, until: $0.until, endsSoon: $0.endsSoon(now),
            authority: $0.authority, cause: $0.failure)
        })
    }
    if known.isEmpty {
      context.print("there is no certificate; to add one: relctl certs add CERTIFICATE KEY")
    } else {
      let rows = known.map { certificate in
        [
          certificate.hosts.joined(separator: ", "), certificate.until?.description ?? "–",
          certificate.authority ?? "",
          certificate.endsSoon(now) ? "ends soon" : "",
        ]
      }
      context.print(Command.trimmed(Table.render([["HOSTS", "UNTIL", "RENEWED BY", ""]] + rows)))
      for certificate in known {
        guard let cause = certificate.failure else { continue }
        context.print(shown("\(certificate.name) could not be renewed: \(cause.sentence)"))
      }
    }
    let bare = board.apps.values.flatMap { $0.domains ?? [] }.filter { domain in
      !domain.isDefault && !known.contains { $0.covers(domain.host) }
    }
    for host in Set(bare.map(\.host)).sorted() where board.router?.https != nil {
      context.print("no certificate names \(host)")
    }
    return .success
  }
}
