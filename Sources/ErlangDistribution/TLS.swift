import ErlangTerm
import Posix

/// The TLS options of a connection: our certificate and key, and how the node's certificate is checked.
public struct TLSOptions: Hashable, Sendable {
  public var certificate: String?
  public var key: String?
  public var authorities: String?

  public init(certificate: String? = nil, key: String? = nil, authorities: String? = nil) {
    (self.certificate, self.key, self.authorities) = (certificate, key, authorities)
  }

  /// Why a file of options cannot be used.
  public struct Unreadable: Error, Hashable, Sendable {
    public var sentence: String
  }

  /// Reads the file that the node itself was given with `-ssl_dist_optfile`: the part for a client, or else that for
  /// a server. Source: "Using TLS for Erlang Distribution", SSL user's guide.
  public init(file: String) throws(Unreadable) {
    let terms: [Term]
    do {
      terms = try TextFormat.consult(try Files.read(file, limit: 1 << 20))
    } catch { throw Unreadable(sentence: "the TLS options in '\(file)' cannot be read: \(error)") }
    guard let all = terms.first, all.list != nil,
      let own = all.property("client") ?? all.property("server")
    else {
      throw Unreadable(sentence: "'\(file)' holds no [{client, [...]}] as ssl_dist_optfile has it")
    }
    certificate = own.property("certfile")?.text
    key = own.property("keyfile")?.text
    authorities = own.property("cacertfile")?.text
    // Its paths are those of the node. A relative path depends on the node's working folder, which is not known here.
    for path in [certificate, key, authorities] {
      if let path, !path.hasPrefix("/") {
        throw Unreadable(sentence: "'\(file)' names '\(path)', which is no absolute path")
      }
    }
  }

  /// The invocation of `openssl s_client`, which speaks TLS for us. Its standard streams carry the plain bytes.
  fileprivate func invocation(host: String, port: UInt16, networkOf process: Int32?) -> Invocation {
    let target = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    // It ends with this process, and takes none of our bytes as a command.
    var words = ["openssl", "s_client", "-quiet", "-no_ign_eof", "-nocommands"]
    words += ["-connect", target]
    if let certificate { words += ["-cert", certificate] }
    if let key { words += ["-key", key] }
    if let authorities { words += ["-CAfile", authorities, "-verify_return_error"] }
    if let process { words = ["nsenter", "--target", "\(process)", "--net", "--"] + words }
    return Invocation(words, environment: ["PATH": Invocation.standardPath])
  }
}

/// A running `openssl s_client`.
final class TLSProgram: Sendable {
  let file: File
  private let helper: Helper
  private let complaints: File

  init(
    _ options: TLSOptions, host: String, port: UInt16, networkOf process: Int32?
  ) throws(PosixError) {
    let (ours, theirs) = try Dial.pair()
    let (reading, writing) = try File.pipe()
    try reading.setNonBlocking()
    helper = Helper(
      try Child.start(
        options.invocation(host: host, port: port, networkOf: process), input: .file(theirs),
        output: .file(theirs), errors: .file(writing), newSession: true))
    (file, complaints) = (ours, reading)
  }

  /// Its error message: the first line that is one.
  var complaint: String? {
    let bytes = (try? complaints.read(upTo: 16_384)) ?? []
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    let line =
      lines.first { $0.contains("verify error") } ?? lines.first { $0.contains(":error:") }
      ?? lines.first { $0.contains("rror") } ?? lines.last
    return line.map { String(Self.reason($0).prefix(200)) }
  }

  /// `…:error:CODE:LIBRARY:FUNCTION:REASON:FILE:LINE:MORE`, ERR_print_errors(3)
  private static func reason(_ line: Substring) -> String {
    let fields = line.split(separator: ":", omittingEmptySubsequences: false)
    guard let start = fields.firstIndex(of: "error"), fields.count > start + 4 else {
      return String(line)
    }
    return String(fields[start + 4])
  }
}

/// A child process that is killed when its last owner releases it.
final class Helper: Sendable {
  private let child: Child

  init(_ child: Child) { self.child = child }

  deinit {
    child.signal(.kill)
    _ = child.wait()
  }
}
