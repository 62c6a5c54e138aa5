import CommandLine
import Events
import HomeLayout
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
      "certs add", "CERTIFICATE [KEY]", count: 1...2, "give the router a certificate for TLS",
      details: """
        Example: relctl certs add fullchain.pem privkey.pem

        CERTIFICATE is a file in PEM with the certificate and its chain, KEY the file with its private key
        if that is another one. The router chooses a certificate by the name that a client asks for. One for
        the same first host is replaced. The key is copied into the home, readable by its owner only; it is
        never in the log.
        """, options: [.detach, .json])
  ) { call throws(Cause) in
    let files = call.arguments.positional.map(call.context.absolute)
    let file = try CertificateFile(files[0], key: files.count > 1 ? files[1] : nil)
    let certificate = Certificate(name: file.name, hosts: file.hosts, until: file.until)
    let now = Timestamp(milliseconds: Clock.now())
    if file.until < now {
      throw Cause(.certificate, "the certificate for \(file.name) ended at \(file.until)")
    }
    let folder = try call.home().router
    do throws(PosixError) {
      try Files.makeFolder(folder.certificates)
      try Files.replace(folder.certificates + "/" + certificate.file, with: file.bytes)
    } catch { throw Cause(error, as: .homeUnwritable) }
    let outcome = try call.request(ChangeCertificates(.add, certificate))
    if !call.wantsJSON {
      call.context.print("\(file.hosts.joined(separator: ", ")) until \(file.until)")
    }
    if try call.board().router?.https == nil {
      call.context.note(
        "  The router does not listen for TLS yet: relctl router listen http=80 https=443")
    }
    return outcome
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
      try? Files.remove(try call.home().router.certificates + "/" + certificate.file)
    }
    return outcome
  }
}

extension CommandCall {
  /// A certificate as `certs --json` prints it.
  private struct Report: Encodable {
    var name: String
    var hosts: [String]
    var until: Timestamp?
    var endsSoon: Bool
  }

  fileprivate func showCertificates() throws(Cause) -> Outcome {
    let board = try board()
    let (known, now) = (board.certificates ?? [], Timestamp(milliseconds: Clock.now()))
    if wantsJSON {
      return report(
        json: known.map {
          Report(name: $0.name, hosts: $0.hosts, until: $0.until, endsSoon: $0.endsSoon(now))
        })
    }
    if known.isEmpty {
      context.print("there is no certificate; to add one: relctl certs add CERTIFICATE KEY")
    } else {
      let rows = known.map { certificate in
        [
          certificate.hosts.joined(separator: ", "), certificate.until?.description ?? "–",
          certificate.endsSoon(now) ? "ends soon" : "",
        ]
      }
      context.print(Command.trimmed(Table.render([["HOSTS", "UNTIL", ""]] + rows)))
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
