import Events
import HomeLayout
import Posix

/// A certificate with its chain and key, as HAProxy reads them: blocks of PEM, the certificate first. RFC 7468
public struct CertificateFile: Hashable, Sendable {
  /// The hosts that it is for, such as `shop.example.com` and `*.example.org`.
  public let hosts: [String]
  public let until: Timestamp
  public let bytes: [UInt8]

  /// The certificate's name in the home.
  public var name: String { hosts[0] }

  /// Reads the files that an operator has. The key may stand in the certificate's file.
  public init(_ path: String, key keyPath: String? = nil) throws(Cause) {
    let blocks = try PEMBlock.all(in: path)
    let keys = try keyPath.map { path throws(Cause) in try PEMBlock.all(in: path) } ?? blocks
    let chain = blocks.filter { $0.label == "CERTIFICATE" }
    if chain.isEmpty { throw Cause(.certificate, "'\(path)' has no certificate in PEM") }
    guard let key = keys.first(where: { $0.label.hasSuffix("PRIVATE KEY") }) else {
      throw Cause(
        .certificate, "'\(keyPath ?? path)' has no private key in PEM",
        remedy: keyPath == nil ? "Name its file, too: relctl certs add CERTIFICATE KEY" : nil)
    }
    let text = try OpenSSL.run(
      ["x509", "-noout", "-enddate", "-ext", "subjectAltName", "-in", path], of: path)
    guard let until = Self.until(in: text) else {
      throw Cause(.certificate, "the certificate in '\(path)' has no end that can be read")
    }
    hosts = Self.hosts(in: text)
    if hosts.isEmpty {
      throw Cause(
        .certificate, "the certificate in '\(path)' names no host (DNS names in subjectAltName)")
    }
    let own = try OpenSSL.run(["x509", "-noout", "-pubkey", "-in", path], of: path)
    let keyOwn = try OpenSSL.run(
      ["pkey", "-pubout", "-passin", "pass:", "-in", keyPath ?? path], of: keyPath ?? path)
    if own != keyOwn {
      throw Cause(.certificate, "the key in '\(keyPath ?? path)' is not that of the certificate")
    }
    self.until = until
    bytes = (chain + [key]).flatMap { Array($0.text.utf8) }
  }

  /// `notAfter=Dec  1 07:00:00 2027 GMT`
  static func until(in text: String) -> Timestamp? {
    let line = text.split(separator: "\n").first { $0.hasPrefix("notAfter=") }
    guard let words = line?.dropFirst(9).split(separator: " "), words.count == 5,
      let month = months.firstIndex(of: String(words[0])), let day = Int(words[1])
    else { return nil }
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return Timestamp("\(words[3])-\(two(month + 1))-\(two(day))T\(words[2]).000Z")
  }

  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// `DNS:shop.example.com, DNS:*.example.org`
  static func hosts(in text: String) -> [String] {
    text.split(whereSeparator: { $0 == "\n" || $0 == "," }).compactMap { part in
      let word = part.drop { $0 == " " }
      guard word.hasPrefix("DNS:"), let domain = Domain(String(word.dropFirst(4))),
        domain.prefix.isEmpty, !domain.isDefault
      else { return nil }
      return domain.host
    }
  }

  /// A certificate that no client believes, for requests without a known name. HAProxy needs one to listen.
  public static func standIn() throws(Cause) -> [UInt8] {
    let text = try OpenSSL.run(
      [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-days", "3650", "-subj", "/CN=no app has this name", "-keyout", "-", "-out", "-",
      ], of: "a certificate")
    return Array(text.utf8)
  }
}

/// A part of a PEM file, with the lines that begin and end it.
private struct PEMBlock {
  var label: String
  var text = ""

  static func all(in path: String) throws(Cause) -> [PEMBlock] {
    let bytes: [UInt8]
    do throws(PosixError) { bytes = try Files.read(path, limit: 1 << 20) } catch {
      throw Cause(.certificate, "\(error)")
    }
    var (blocks, open): ([PEMBlock], PEMBlock?) = ([], nil)
    for line in String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
      if line.hasPrefix("-----BEGIN "), line.hasSuffix("-----") {
        open = PEMBlock(label: String(line.dropFirst(11).dropLast(5)))
      }
      open?.text += line + "\n"
      if line.hasPrefix("-----END "), let block = open {
        blocks.append(block)
        open = nil
      }
    }
    return blocks
  }
}

/// The program `openssl`.
public enum OpenSSL {
  /// - Parameter subject: the file that it reads, for a complaint.
  /// - Returns: what it printed.
  public static func run(_ arguments: [String], of subject: String) throws(Cause) -> String {
    let invocation = Invocation(
      ["openssl"] + arguments, environment: ["PATH": Invocation.standardPath, "LC_ALL": "C"])
    let result: Invocation.Result
    do throws(PosixError) {
      result = try invocation.run(errors: .null, limit: 10_000)
    } catch {
      throw Cause(.toolMissing, "\(error)", remedy: "Install it: apt-get install openssl")
    }
    if !result.isSuccess {
      throw Cause(
        .certificate, "openssl cannot read '\(subject)'",
        remedy:
          "It must be PEM, and a key without a passphrase. See: openssl \(arguments[0]) -in \(subject)"
      )
    }
    return result.text
  }
}
